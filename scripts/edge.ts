// Runs the edge bundle in workerd through miniflare: `node scripts/edge.ts --data-dir DIR --port N`; the bindings come from the environment.
import { type ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4ModuleDefinition } from 'miniflare';
import { LIMIT_VARIABLES } from '../shared/core/limits.ts';
import { TELEMETRY_VARIABLES } from '../shared/telemetry/settings.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** exit code that says "workerd died": the supervisor starts the whole edge again */
const EXIT_WORKERD_DIED = 70;

const VARIABLES = [
  'ENVIRONMENT',
  'PUBLIC_URL',
  'NATS_WS_URL',
  'NATS_CREDS',
  'JWT_SECRET',
  'JWT_SECRET_OLD',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
  'JWT_JWKS_URL',
  'INTERNAL_SECRET',
  'INTERNAL_SECRET_OLD',
  'ALLOWED_ORIGINS',
  'UPLINKS',
  'TENANT_PLACEMENT',
  'OIDC_ISSUER',
  'OIDC_CLIENT_ID',
  'OIDC_SCOPE',
  'OIDC_AUDIENCE',
  ...Object.values(LIMIT_VARIABLES),
  ...TELEMETRY_VARIABLES,
];

const MODULE_TYPES: Record<string, V4ModuleDefinition['type']> = {
  '.js': 'ESModule',
  '.html': 'Text',
  '.txt': 'Text',
  '.wasm': 'CompiledWasm',
  '.bin': 'Data',
};

interface WorkerConfig {
  compatibilityDate: string;
  compatibilityFlags: string[];
  durableObjects: Record<string, { className: string; useSQLite: true }>;
}

/** What the deployment says of dates, flags and objects, read from wrangler.toml: local runs must not drift from it. */
function workerConfig(toml: string): WorkerConfig {
  const compatibilityDate = /^compatibility_date\s*=\s*"([\d-]+)"/m.exec(toml)?.[1];
  const flags = /^compatibility_flags\s*=\s*\[([^\]]*)\]/m.exec(toml)?.[1] ?? '';
  if (compatibilityDate === undefined) throw new Error('wrangler.toml has no compatibility_date');
  const durableObjects: WorkerConfig['durableObjects'] = {};
  for (const [, name, className] of toml.matchAll(/name\s*=\s*"(\w+)"\s*,\s*class_name\s*=\s*"(\w+)"/g)) {
    if (name !== undefined && className !== undefined) durableObjects[name] = { className, useSQLite: true };
  }
  return {
    compatibilityDate,
    compatibilityFlags: [...flags.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? ''),
    durableObjects,
  };
}

/** Every module of the bundle, its entry first. */
function bundleModules(directory: string): V4ModuleDefinition[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => MODULE_TYPES[extname(name)]);
  if (!names.includes('index.js')) throw new Error(`no bundle in ${directory}: run it by npm start`);
  const ordered = ['index.js', ...names.filter((name) => name !== 'index.js')];
  return ordered.map((name) => ({
    type: MODULE_TYPES[extname(name)] ?? 'Data',
    path: join(directory, name),
    contents:
      MODULE_TYPES[extname(name)] === 'ESModule' || MODULE_TYPES[extname(name)] === 'Text'
        ? readFileSync(join(directory, name), 'utf8')
        : new Uint8Array(readFileSync(join(directory, name))),
  }));
}

function bindingsFrom(environment: NodeJS.ProcessEnv): Record<string, string> {
  const bindings: Record<string, string> = {};
  for (const name of VARIABLES) {
    const value = environment[name];
    if (value !== undefined && value !== '') bindings[name] = value;
  }
  return bindings;
}

function isSpawn(message: unknown): message is { process: ChildProcess } {
  return typeof message === 'object' && message !== null && 'process' in message;
}

/**
 * miniflare would start a dead workerd again by itself, silently and without bound; here its death is ours, so that the supervisor sees it,
 * says so and waits longer each time.
 */
function dieWithWorkerd(isStopping: () => boolean): void {
  subscribe('child_process', (message) => {
    if (!isSpawn(message)) return;
    const child = message.process;
    setImmediate(() => {
      if (!child.spawnfile?.includes('workerd') || child.pid === undefined) return;
      process.send?.({ child: 'workerd', pid: child.pid });
      child.once('exit', (code, signal) => {
        if (isStopping()) return;
        process.stderr.write(`workerd died (${signal ?? `exit code ${code}`})\n`);
        process.exit(EXIT_WORKERD_DIED);
      });
    });
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('must be a port');
  return port;
}

interface EdgeOptions {
  dataDir: string;
  port: number;
  /** directory of the built bundle */
  bundle: string;
  /** directory of the built pages */
  pages: string;
}

function makeMiniflare({ dataDir, port, bundle, pages }: EdgeOptions): Miniflare {
  const temporary = join(dataDir, 'run', 'edge-tmp');
  // A killed run leaves it behind.
  rmSync(temporary, { recursive: true, force: true });
  // without pages it is empty, and the edge says so
  mkdirSync(pages, { recursive: true });
  return new Miniflare(
    convertV4MiniflareOptions({
      name: 'millrace',
      host: '127.0.0.1',
      port,
      modules: bundleModules(bundle),
      modulesRoot: bundle,
      ...workerConfig(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')),
      bindings: bindingsFrom(process.env),
      // workerd reads the pages from the folder itself; miniflare's own assets would put a Worker in front of every command
      serviceBindings: { ASSETS: { disk: { path: pages, writable: false } } },
      resourcePersistencePath: join(dataDir, 'edge'),
      resourceTmpPath: temporary,
      // No look-up of the caller's place, no reports, no log line per request.
      cf: false,
      telemetry: { enabled: false },
      logRequests: false,
      log: new Log(LogLevel.WARN),
    }),
  );
}

async function main(): Promise<void> {
  const options = new Command('edge')
    .requiredOption('--data-dir <path>', 'where the objects are kept')
    .requiredOption('--port <n>', 'port to listen on, on 127.0.0.1', parsePort)
    .option('--bundle <path>', 'directory of the built bundle', join(ROOT, 'dist', 'edge'))
    .option('--pages <path>', 'directory of the built pages', join(ROOT, 'dist', 'web'))
    .parse()
    .opts<EdgeOptions>();

  let stopping = false;
  dieWithWorkerd(() => stopping);
  const miniflare = makeMiniflare(options);
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await miniflare.dispose();
    process.exit(0);
  };
  for (const event of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.on(event, () => void stop());
  await miniflare.ready;
}

await main();
