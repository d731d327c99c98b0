// Builds the edge bundle: the one builder of `npm start`, of the system tests and of `wrangler deploy`, which calls it
// by [build] in wrangler.toml. wrangler itself is 20 MB that a start does not need (docs/adr/0021).
import { build } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Bundles worker/index.ts into `folder`/index.js. Rejects with esbuild's own message when the source does not build. */
export async function buildEdge(folder) {
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['worker/index.ts'],
    outfile: join(folder, 'index.js'),
    bundle: true,
    format: 'esm',
    target: 'es2024',
    keepNames: true,
    sourcemap: true,
    logLevel: 'warning',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    // workerd has these itself (nodejs_compat); libraries name some without the prefix
    external: ['cloudflare:*', 'node:*', 'crypto', 'buffer', 'stream', 'util', 'events'],
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildEdge(process.argv[2] ?? join(ROOT, 'dist', 'edge'));
