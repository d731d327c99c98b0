// `npm start`: runs all parts of Millrace on this machine until it is told to stop.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { ensureNatsServer } from './launch/nats.mjs';
import { usingClickHouse } from './supervisor/clickhouse.ts';
import { localCassandra, using } from './supervisor/cassandra.ts';
import type { LocalServer } from './supervisor/local-server.ts';
import { localOpenSearch, usingOpenSearch } from './supervisor/opensearch.ts';
import type { PartName } from './supervisor/part.ts';
import { openPartLogs } from './supervisor/part-logs.ts';
import { readSettings, type Settings, SettingsError } from './supervisor/settings.ts';
import { createSupervisor } from './supervisor/supervisor.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const PART_NAMES: readonly PartName[] = ['nats', 'edge', 'consumers'];

/** what --with starts */
const STORES: readonly string[] = ['cassandra', 'opensearch', 'clickhouse'];

/** stopping takes no longer than this, whatever hangs */
const STOP_MS_MAX = 25_000;

function say(line: string): void {
  process.stdout.write(`millrace: ${line}\n`);
}

function partsFrom(text: string | undefined): PartName[] {
  const names = text?.split(',').map((name) => name.trim()) ?? [];
  return names.map((name) => {
    const part = PART_NAMES.find((one) => one === name);
    if (!part) throw new SettingsError(`--without knows ${PART_NAMES.join(', ')}, not "${name}"`);
    return part;
  });
}

function storesFrom(text: string | undefined): string[] {
  const names = (text ?? '').split(',').map((name) => name.trim());
  const unknown = names.find((name) => name !== '' && !STORES.includes(name));
  if (unknown !== undefined) {
    throw new SettingsError(`--with knows ${STORES.join(', ')}, not "${unknown}": what is left out is embedded`);
  }
  return names;
}

/** Those that are asked for and are not elsewhere, and the settings with which the others use them. */
async function localServers(
  given: Settings,
  stores: readonly string[],
): Promise<{ settings: Settings; servers: readonly LocalServer[] }> {
  let settings = given;
  const servers: LocalServer[] = [];
  if (stores.includes('cassandra') && given.consumerVariables['CASSANDRA_CONTACT_POINTS'] === undefined) {
    const cassandra = await localCassandra(given.dataDir);
    servers.push(cassandra);
    settings = using(settings, cassandra);
  }
  if (stores.includes('opensearch') && given.consumerVariables['SEARCH_URL'] === undefined) {
    const opensearch = await localOpenSearch(given.dataDir);
    servers.push(opensearch);
    settings = usingOpenSearch(settings, opensearch);
  }
  if (stores.includes('clickhouse') && given.consumerVariables['ANALYTICS_URL'] === undefined) {
    settings = await usingClickHouse(settings);
  }
  return { settings, servers };
}

async function main(): Promise<void> {
  const options = new Command('start')
    .description('Starts all parts of Millrace. Settings come from the environment: see docs/ and README.md.')
    .option('--without <parts>', `leaves out parts, comma-separated: ${PART_NAMES.join(', ')}`)
    .option('--with <stores>', `real databases instead of the embedded ones, comma-separated: ${STORES.join(', ')}`)
    .parse()
    .opts<{ without?: string; with?: string }>();
  const stores = storesFrom(options.with ?? process.env['MILLRACE_WITH']);
  const given = readSettings(process.env, ROOT);
  const { settings, servers } = await localServers(given, stores);
  const logs = openPartLogs(settings.dataDir);
  const supervisor = createSupervisor({
    root: ROOT,
    settings,
    natsServerBin: settings.externalNats ? undefined : await ensureNatsServer(),
    servers,
    migrates: stores.includes('cassandra'),
    without: partsFrom(options.without),
    say,
    log(name, line) {
      logs.write(name, line);
      // servers are too talkative for a terminal; their logs have it all.
      if (!['nats', ...STORES].includes(name)) process.stderr.write(`[${name}] ${line}\n`);
    },
  });

  // whoever read our lines may go first: the parts are stopped all the same
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

  let stopping = false;
  const stop = async (why: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_MS_MAX).unref();
    say(`stopping (${why})`);
    await supervisor.stop();
    say('stopped');
    logs.close();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));
  // The launcher is gone, killed perhaps: nobody would stop us any more.
  process.on('disconnect', () => void stop('the launcher is gone'));

  const addresses = await supervisor.start();
  if (!stopping) process.stdout.write(`ready ${JSON.stringify(addresses)}\n`);
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
