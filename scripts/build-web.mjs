// Builds the pages of web/ into a folder: the one builder of `npm start`, of the tests and of `wrangler deploy`. Every file but
// the shell is named by a hash of what is in it, so that browsers may keep it for good.
import { build } from 'esbuild';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const WEB = join(ROOT, 'web');
const MODULES = join(WEB, 'node_modules');

/** What a page loads before it shows anything: the entry, and what it imports, and so on, but not what it imports later. */
function firstLoad(outputs, entry) {
  const found = new Set([entry]);
  for (const name of found)
    for (const { path, kind } of outputs[name].imports) if (kind === 'import-statement' && outputs[path]) found.add(path);
  return [...found];
}

/** Bundles into `folder`: shell.html, manifest.json and assets/. Rejects with esbuild's own message when it does not build. */
export async function buildWeb(folder) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['web/main.tsx', 'web/styles/pages.css'],
    outdir: join(folder, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    jsx: 'automatic',
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
    define: { 'process.env.NODE_ENV': '"production"' },
    // client/ has the hooks: they must find the React of the pages, whatever else is installed around them
    alias: { react: join(MODULES, 'react'), 'react-dom': join(MODULES, 'react-dom') },
  });
  const { outputs } = metafile;
  const outputOf = (source) => Object.keys(outputs).find((name) => outputs[name].entryPoint === source);
  const nameOf = (path) => path.slice(path.lastIndexOf('/') + 1);
  const scripts = firstLoad(outputs, outputOf('web/main.tsx')).map(nameOf);
  const style = nameOf(outputOf('web/styles/pages.css'));
  const shell = readFileSync(join(WEB, 'shell.html'), 'utf8')
    .replace('{style}', `/assets/${style}`)
    .replace('{script}', `/assets/${scripts[0]}`)
    .replace(
      '{preload}',
      scripts
        .slice(1)
        .map((name) => `<link rel="modulepreload" href="/assets/${name}">`)
        .join(''),
    );
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'shell.html'), shell);
  writeFileSync(
    join(folder, 'manifest.json'),
    `${JSON.stringify({ scripts, style, files: Object.keys(outputs).map(nameOf) }, null, 2)}\n`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWeb(process.argv[2] ?? join(ROOT, 'dist', 'web'));
