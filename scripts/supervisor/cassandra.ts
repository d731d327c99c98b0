import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { containerArguments, dockerAnswers, ensureCassandraImage } from '../launch/cassandra-docker.mjs';
import { answersCql, cassandraCommand, ensureCassandra } from '../launch/cassandra.mjs';
import { progress, run } from '../launch/common.mjs';
import type { PartSpec } from './part.ts';
import { accepts, freePorts } from './ports.ts';
import { type Settings, SettingsError } from './settings.ts';

/** The Cassandra of `npm start -- --with cassandra`: one node in the data directory, or one that runs elsewhere. */

const HOST = '127.0.0.1';
const READY_MS_MAX = 120_000;
const READY_POLL_MS = 200;
const MIGRATE_MS_MAX = 6 * 60_000;

const REMOVE_MS_MAX = 30_000;
const CONTAINER_PROGRAM = resolve(dirname(fileURLToPath(import.meta.url)), '../launch/cassandra-container.mjs');
/** how `docker` finds its engine */
const DOCKER_VARIABLES = ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY'];

/** What the data remember of their node; a file without `container` is of one that runs on Java. */
const kept = z.object({ port: z.int(), storagePort: z.int(), container: z.string().optional() });
type Kept = z.infer<typeof kept>;

/** What runs a node that is ours. */
export interface LocalCassandra {
  directory: string;
  /** of CQL */
  port: number;
  /** all that it listens on */
  ports: readonly number[];
  command: string;
  args: string[];
  /** added to what a part gets of our environment */
  env: Record<string, string | undefined>;
  /** where it runs in Docker */
  container?: string;
}

/**
 * By Docker where its engine answers, else by Java and Maven; data that are there stay with what made them. All that is needed is
 * there afterwards, but nothing runs. Throws an Error of one line that says what is missing.
 */
export async function localCassandra(dataDir: string): Promise<LocalCassandra> {
  const directory = join(dataDir, 'cassandra');
  const file = keptFile(directory);
  const known = existsSync(file) ? kept.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
  if (known !== undefined) return await again(directory, known);
  mkdirSync(directory, { recursive: true });
  const [port = 0, storagePort = 0] = await freePorts(2);
  const local = await firstOf(directory, { port, storagePort });
  const { container } = local;
  writeFileSync(file, JSON.stringify({ port, storagePort, ...(container === undefined ? {} : { container }) }));
  return local;
}

async function again(directory: string, known: Kept): Promise<LocalCassandra> {
  if (known.container === undefined) return await byJava(directory, known);
  if (!(await dockerAnswers())) {
    throw new SettingsError(
      `the Cassandra of ${directory} is in Docker, whose engine does not answer: start it, or set DATA_DIR to another directory`,
    );
  }
  return await byDocker(directory, known);
}

async function firstOf(directory: string, ports: Kept): Promise<LocalCassandra> {
  if (!(await dockerAnswers())) {
    return await byJava(directory, ports).catch((error: unknown) => {
      throw new SettingsError(`no Docker engine answers, and ${reasonOf(error)}`);
    });
  }
  try {
    return await byDocker(directory, { ...ports, container: `millrace-cassandra-${randomUUID()}` });
  } catch (error) {
    progress(`${reasonOf(error)}; trying Java and Maven`);
    return await byJava(directory, ports);
  }
}

async function byJava(directory: string, { port, storagePort }: Kept): Promise<LocalCassandra> {
  const tools = await ensureCassandra();
  const { command, args } = cassandraCommand(tools, { directory, host: HOST, port, storagePort });
  return { directory, port, ports: [port, storagePort], command, args, env: {} };
}

async function byDocker(directory: string, { port, container = '' }: Kept): Promise<LocalCassandra> {
  await ensureCassandraImage();
  return {
    directory,
    port,
    ports: [port],
    command: process.execPath,
    args: [CONTAINER_PROGRAM, container, ...containerArguments({ name: container, port })],
    env: Object.fromEntries(DOCKER_VARIABLES.map((name) => [name, process.env[name]])),
    container,
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function keptFile(directory: string): string {
  return join(directory, 'ports.json');
}

export function contactPointOf({ port }: LocalCassandra): string {
  return `${HOST}:${port}`;
}

/** Settings with which the consumers use that node. */
export function using(settings: Settings, local: LocalCassandra): Settings {
  return {
    ...settings,
    consumerVariables: { ...settings.consumerVariables, CASSANDRA_CONTACT_POINTS: contactPointOf(local) },
  };
}

/** Ends the container that a killed run left. Throws a SettingsError when another process is where the node wants to be. */
export async function requireCassandraPorts({ directory, ports, container }: LocalCassandra): Promise<void> {
  if (container !== undefined) await run('docker', ['rm', '--force', container], { timeoutMs: REMOVE_MS_MAX });
  for (const port of ports) {
    if (await accepts(port)) {
      throw new SettingsError(`port ${port} is in use: stop what uses it, or delete ${keptFile(directory)}`);
    }
  }
}

export function cassandraSpec(local: LocalCassandra, root: string, env: PartSpec['env']): PartSpec {
  const { command, args, container } = local;
  // the program around a container ends it when we are gone; Java knows no such channel
  return { name: 'cassandra', command, args, env: { ...env, ...local.env }, cwd: root, channel: container !== undefined };
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
