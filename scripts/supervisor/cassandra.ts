import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { answersCql, cassandraCommand, type CassandraPlace, ensureCassandra } from '../launch/cassandra.mjs';
import { run } from '../launch/common.mjs';
import type { PartSpec } from './part.ts';
import { accepts, freePorts } from './ports.ts';
import { type Settings, SettingsError } from './settings.ts';

/** The Cassandra of `npm start -- --with cassandra`: one node in the data directory, or one that runs elsewhere. */

const HOST = '127.0.0.1';
const READY_MS_MAX = 120_000;
const READY_POLL_MS = 200;
const MIGRATE_MS_MAX = 6 * 60_000;

const keptPorts = z.object({ port: z.int(), storagePort: z.int() });

/** What runs a node that is ours. */
export interface LocalCassandra {
  place: CassandraPlace;
  command: string;
  args: string[];
}

/** Java and jars are there, and the node's files are written. Throws an Error of one line that says what is missing. */
export async function localCassandra(dataDir: string): Promise<LocalCassandra> {
  const directory = join(dataDir, 'cassandra');
  const tools = await ensureCassandra();
  mkdirSync(directory, { recursive: true });
  const place = { directory, host: HOST, ...(await portsIn(directory)) };
  return { place, ...cassandraCommand(tools, place) };
}

/** Chosen once: the node's data remember them. */
async function portsIn(directory: string): Promise<z.infer<typeof keptPorts>> {
  const file = portsFile(directory);
  if (existsSync(file)) return keptPorts.parse(JSON.parse(readFileSync(file, 'utf8')));
  const [port = 0, storagePort = 0] = await freePorts(2);
  writeFileSync(file, JSON.stringify({ port, storagePort }));
  return { port, storagePort };
}

function portsFile(directory: string): string {
  return join(directory, 'ports.json');
}

export function contactPointOf({ place }: LocalCassandra): string {
  return `${HOST}:${place.port}`;
}

/** Settings with which the consumers use that node. */
export function using(settings: Settings, local: LocalCassandra): Settings {
  return {
    ...settings,
    consumerVariables: { ...settings.consumerVariables, CASSANDRA_CONTACT_POINTS: contactPointOf(local) },
  };
}

/** Throws a SettingsError when another process is where the node wants to be. */
export async function requireCassandraPorts({ place }: LocalCassandra): Promise<void> {
  for (const port of [place.port, place.storagePort]) {
    if (await accepts(port)) {
      throw new SettingsError(`port ${port} is in use: stop what uses it, or delete ${portsFile(place.directory)}`);
    }
  }
}

export function cassandraSpec({ command, args }: LocalCassandra, root: string, env: PartSpec['env']): PartSpec {
  return { name: 'cassandra', command, args, env, cwd: root, channel: false };
}

/**
 * Waits until the node answers (where it is ours) and brings its schema up to date. Answers what went wrong, in one line, or
 * undefined. Never rejects; ends soon after the signal.
 */
export async function bringSchema(
  local: LocalCassandra | undefined,
  root: string,
  env: PartSpec['env'],
  signal: AbortSignal,
): Promise<string | undefined> {
  const deadline = Date.now() + READY_MS_MAX;
  const answers = async (): Promise<boolean> => local === undefined || (await answersCql(HOST, local.place.port));
  while (!(await answers())) {
    if (signal.aborted) return undefined;
    if (Date.now() > deadline) return `Cassandra does not answer within ${READY_MS_MAX / 1000} s: see its log`;
    await sleep(READY_POLL_MS);
  }
  if (signal.aborted) return undefined;
  const { code, output } = await run(process.execPath, [join(root, 'consumers/migrate.ts')], {
    cwd: root,
    env,
    timeoutMs: MIGRATE_MS_MAX,
    signal,
  });
  return code === 0 || signal.aborted ? undefined : (output.trim().split('\n').at(-1) ?? 'the migration failed');
}
