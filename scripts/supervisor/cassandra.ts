import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { containerArguments } from '../launch/cassandra-docker.mjs';
import { answersCql, cassandraCommand, ensureCassandra } from '../launch/cassandra.mjs';
import { run } from '../launch/common.mjs';
import { CASSANDRA_IMAGE } from '../versions.mjs';
import { localServer, type LocalServer, type ServerKind } from './local-server.ts';
import type { PartSpec } from './part.ts';
import type { Settings } from './settings.ts';

/** The Cassandra of `npm start -- --with cassandra`: one node in the data directory, or one that runs elsewhere. */

const HOST = '127.0.0.1';
const READY_MS_MAX = 120_000;
const READY_POLL_MS = 200;
const MIGRATE_MS_MAX = 6 * 60_000;

const CASSANDRA: ServerKind = {
  part: 'cassandra',
  title: 'Cassandra',
  image: CASSANDRA_IMAGE,
  imageSize: '150 MB',
  container: containerArguments,
  java: async (place) => cassandraCommand(await ensureCassandra(), { ...place, host: HOST }),
};

export async function localCassandra(dataDir: string): Promise<LocalServer> {
  return await localServer(CASSANDRA, dataDir);
}

export function contactPointOf({ port }: LocalServer): string {
  return `${HOST}:${port}`;
}

/** Settings with which the consumers use that node. */
export function using(settings: Settings, local: LocalServer): Settings {
  return {
    ...settings,
    consumerVariables: { ...settings.consumerVariables, CASSANDRA_CONTACT_POINTS: contactPointOf(local) },
  };
}

/**
 * Waits until the node answers (where it is ours) and brings its schema up to date. Answers what went wrong, in one line, or
 * undefined. Never rejects; ends soon after the signal.
 */
export async function bringSchema(
  local: LocalServer | undefined,
  root: string,
  env: PartSpec['env'],
  signal: AbortSignal,
): Promise<string | undefined> {
  const deadline = Date.now() + READY_MS_MAX;
  const answers = async (): Promise<boolean> => local === undefined || (await answersCql(HOST, local.port));
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
