// Builds the edge bundle: the one builder of `npm start`, of the system tests and of `wrangler deploy`, which calls it
// by [build] in wrangler.toml. wrangler itself is 20 MB that a start does not need (docs/adr/0021).
import { build } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** what stands in the bundle for OpenTelemetry, or for its absence: a module of its own, so that index.js is the same in both */
const TELEMETRY = {
  name: 'telemetry',
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/absent\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './telemetry.js', external: true },
    );
  },
};

/**
 * Bundles the edge into `folder`: worker/index.ts as index.js, and beside it telemetry.js, with OpenTelemetry or without. Rejects
 * with esbuild's own message when the source does not build.
 */
export async function buildEdge(folder, { telemetry }) {
  await bundle('worker/index.ts', join(folder, 'index.js'), [TELEMETRY]);
  await bundle(`worker/telemetry/${telemetry ? 'present' : 'absent'}.ts`, join(folder, 'telemetry.js'));
}

/** One file, as the edge is built; also for what the edge is measured against. */
export async function bundle(entry, outfile, plugins = []) {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile,
    plugins,
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lean = process.argv.includes('--without-telemetry');
  // what is deployed can always be asked for traces
  if (!lean) await (await import('./launch/telemetry-packages.mjs')).ensureTelemetryPackages(['worker/telemetry']);
  const folder = process.argv.slice(2).find((argument) => !argument.startsWith('--'));
  await buildEdge(folder ?? join(ROOT, 'dist', 'edge'), { telemetry: !lean });
}
