import { randomBytes } from 'node:crypto';
import { copyFile, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIMIT_VARIABLES } from '../../shared/core/limits.ts';
import { bundle } from '../../scripts/build-edge.mjs';
import { ensureEdgeBundle } from '../../scripts/launch/edge-build.mjs';
import { ensureNatsServer } from '../../scripts/launch/nats.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import { localCassandra, using } from '../../scripts/supervisor/cassandra.ts';
import { PORT_VARIABLES, readSettings, type Settings } from '../../scripts/supervisor/settings.ts';
import { createSupervisor } from '../../scripts/supervisor/supervisor.ts';
import { startDelayingProxy } from '../load/delaying-proxy.ts';
import { serve } from './announce.ts';

/**
 * Millrace as `npm start` runs it, on free ports and in a folder of its own: `millrace.ts [--edge-only | --with-cassandra | --cassandra=CONTACT_POINTS]
 * [--nats-delay-ms=N] [--counted | --one-event-per-frame | --publishing | --bare]
 * [--without-consumers] [--traces-to=URL --traces-ratio=N] [--scraped] [--uncounted]`.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILT = join(ROOT, 'dist', 'edge');
/** each limit of the environment is set to this: the bench asks how much there is, not how much one is allowed */
const RAISED_LIMIT = '1000000000';
/** more often than most ask */
const SCRAPE_EVERY_MS = 5_000;
/** of the parts' own output, kept to be shown when they do not start */
const KEPT_LINES_MAX = 100;

serve(async () => {
  const edgeOnly = process.argv.includes('--edge-only');
  const withCassandra = process.argv.includes('--with-cassandra');
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const jwtSecret = randomBytes(32).toString('base64url');
  const environment: Record<string, string> = { DATA_DIR: dataDir, JWT_SECRET: jwtSecret };
  const ports = await freePorts(Object.keys(PORT_VARIABLES).length);
  for (const [index, [variable]] of Object.values(PORT_VARIABLES).entries()) environment[variable] = String(ports[index]);
  for (const variable of Object.values(LIMIT_VARIABLES)) environment[variable] = RAISED_LIMIT;
  const contactPoints = valueOf('--cassandra');
  // made by whoever started the cluster
  if (contactPoints !== undefined)
    Object.assign(environment, { CASSANDRA_CONTACT_POINTS: contactPoints, CASSANDRA_REPLICATION: '3' });
  if (process.argv.includes('--uncounted')) environment['EDGE_METRICS'] = 'off';
  const tracesTo = valueOf('--traces-to');
  if (tracesTo !== undefined)
    Object.assign(environment, {
      OTEL_EXPORTER_OTLP_ENDPOINT: tracesTo,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: valueOf('--traces-ratio') ?? '1',
    });
  await ensureEdgeBundle({ telemetry: tracesTo !== undefined });
  const lines: string[] = [];
  const keep = (line: string): void => {
    lines.push(line);
    if (lines.length > KEPT_LINES_MAX) lines.shift();
    if (process.env['BENCH_VERBOSE'] !== undefined) process.stderr.write(`${line}\n`);
  };
  const plain = readSettings(environment, ROOT);
  const cassandra = withCassandra ? await localCassandra(dataDir) : undefined;
  const edgeBundle = await otherBundle(dataDir);
  const far = await farFromNats(plain, Number(valueOf('--nats-delay-ms') ?? 0));
  const supervisor = createSupervisor({
    ...(edgeBundle === undefined ? {} : { edgeBundle }),
    ...(far === undefined ? {} : { detours: far.detours }),
    root: ROOT,
    settings: cassandra === undefined ? plain : using(plain, cassandra),
    ...(cassandra === undefined ? {} : { servers: [cassandra] }),
    migrates: withCassandra,
    natsServerBin: edgeOnly ? undefined : await ensureNatsServer(),
    without: edgeOnly ? ['nats', 'consumers'] : process.argv.includes('--without-consumers') ? ['consumers'] : [],
    // a part that dies spoils the figures: that is said at once
    say: (line) => process.stderr.write(`Millrace: ${line}\n`),
    log: (name, line) => keep(`[${name}] ${line}`),
  });
  const scraping = process.argv.includes('--scraped') ? scrape(plain.ports.metrics) : undefined;
  const stop = async (): Promise<void> => {
    clearInterval(scraping);
    await supervisor.stop();
    await far?.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const { url, pids, nats } = await supervisor.start();
    const edge = pids['edge'];
    if (edge === undefined) throw new Error('the edge did not tell its process id');
    const detail = edgeOnly
      ? 'the edge alone, storage on disk'
      : `edge, NATS JetStream and consumers with ${withCassandra || contactPoints !== undefined ? 'Cassandra' : 'the embedded store'}, storage on disk`;
    return { announcement: { url, jwtSecret, nats, pids: { edge: [edge], all: [process.pid] }, detail }, stop };
  } catch (error) {
    await stop();
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${lines.join('\n')}`, { cause: error });
  }
});

/** As a Prometheus would that asks often. What it is not answered in the beginning is nothing to it. */
function scrape(port: number): NodeJS.Timeout {
  return setInterval(() => {
    fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(SCRAPE_EVERY_MS) })
      .then(async (response) => await response.arrayBuffer())
      .catch(() => undefined);
  }, SCRAPE_EVERY_MS);
}

/** The value of `--name=value`. */
function valueOf(name: string): string | undefined {
  return process.argv.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** Puts so much time between NATS and those who speak to it, in each direction. */
async function farFromNats(settings: Settings, delayMs: number) {
  if (delayMs === 0) return undefined;
  const [nats, webSocket] = await Promise.all(
    [settings.ports.nats, settings.ports.natsWebSocket].map((port) => startDelayingProxy('127.0.0.1', port, delayMs)),
  );
  const detours = { natsUrl: `nats://127.0.0.1:${nats?.port}`, natsWebSocketUrl: `ws://127.0.0.1:${webSocket?.port}` };
  return { detours, close: async () => void (await Promise.all([nats?.close(), webSocket?.close()])) };
}

/** Another edge than the built one, where one is asked for. */
async function otherBundle(dataDir: string): Promise<string | undefined> {
  if (process.argv.includes('--counted')) return entryBefore(dataDir, 'counting-edge.mjs');
  if (process.argv.includes('--one-event-per-frame')) return unbatchedBundle(dataDir);
  if (process.argv.includes('--publishing')) return entryBefore(dataDir, 'publishing-edge.mjs');
  return process.argv.includes('--bare') ? bareBundle(dataDir) : undefined;
}

/** The built edge, as edge.js, behind an entry of the bench's own. */
async function entryBefore(dataDir: string, entry: string): Promise<string> {
  const directory = join(dataDir, 'other-edge');
  await cp(BUILT, directory, { recursive: true });
  await rename(join(directory, 'index.js'), join(directory, 'edge.js'));
  await copyFile(fileURLToPath(new URL(entry, import.meta.url)), join(directory, 'index.js'));
  return directory;
}

/** The built edge with a bound of one event for each frame, so that it is seen what batching brings. */
async function unbatchedBundle(dataDir: string): Promise<string> {
  const directory = join(dataDir, 'unbatched-edge');
  await cp(BUILT, directory, { recursive: true });
  const built = await readFile(join(directory, 'index.js'), 'utf8');
  const parts = built.split(/(?<=\bFRAME_EVENTS_MAX = )[\d_e]+/);
  if (parts.length !== 2) throw new Error(`the built edge says ${parts.length - 1} times how many events a frame takes`);
  await writeFile(join(directory, 'index.js'), parts.join('1'));
  return directory;
}

/** No Millrace at all: an object that inserts a row, behind the same route and check of tokens, built as the edge is. */
async function bareBundle(dataDir: string): Promise<string> {
  const directory = join(dataDir, 'bare-edge');
  await mkdir(directory);
  await bundle(fileURLToPath(new URL('bare-edge.mjs', import.meta.url)), join(directory, 'index.js'));
  return directory;
}
