// `npm run build:client`: the npm package @millrace/client, as ES modules with their declarations, into client/dist.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const TYPES = join(ROOT, 'dist', 'types');
/** what an application may have anyway; anything else in a bundle would be a dependency that nobody declared */
const PEERS = new Set(['react']);

/** modules that an application imports, by the name of their bundle; `exports` of client/package.json names them */
const ENTRIES = { index: 'index', react: 'react/index', admin: 'admin/index', 'react-admin': 'react/admin' };

async function bundle(entry, outfile) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    // private fields, static blocks: what every browser has had since 2022, and Node 20
    target: 'es2022',
    minify: true,
    sourcemap: true,
    external: [...PEERS],
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  return Object.keys(metafile.inputs);
}

/** Declarations reachable from the entries, with specifiers that plain resolution understands. */
function copyTypes(entries, folder) {
  const open = [...entries];
  const seen = new Set(open);
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const text = readFileSync(join(TYPES, file), 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)) {
      if (!specifier.startsWith('.')) {
        if (PEERS.has(specifier)) continue;
        throw new Error(`${file} needs ${specifier}, which the package does not have`);
      }
      const target = relative(TYPES, join(TYPES, dirname(file), specifier.replace(/\.ts$/, '.d.ts')));
      if (!seen.has(target)) {
        seen.add(target);
        open.push(target);
      }
    }
    const out = join(folder, file);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(
      out,
      text.replace(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2').replace(/^\/\/# sourceMappingURL.*$/m, ''),
    );
  }
}

/** Builds into `folder` what client/package.json publishes. Throws when something does not build. */
export async function buildClient(folder) {
  const tsc = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-b', 'client'], { cwd: ROOT, encoding: 'utf8' });
  if (tsc.status !== 0) throw new Error(`the client's types do not build:\n${tsc.stdout}${tsc.stderr}`);
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  const inputs = {};
  for (const [name, source] of Object.entries(ENTRIES)) {
    inputs[name] = await bundle(`client/${source}.ts`, join(folder, 'dist', `${name}.js`));
  }
  copyTypes(
    Object.values(ENTRIES).map((source) => `client/${source}.d.ts`),
    join(folder, 'dist', 'types'),
  );
  if (folder !== join(ROOT, 'client')) cpSync(join(ROOT, 'client', 'package.json'), join(folder, 'package.json'));
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'dist', 'LICENSE'));
  return { inputs };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildClient(join(ROOT, 'client'));
