import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { progress, run } from '../launch/common.mjs';
import { dockerAnswers, ensureImage } from '../launch/docker.mjs';
import type { PartName, PartSpec } from './part.ts';
import { accepts, freePorts } from './ports.ts';
import { SettingsError } from './settings.ts';

/** A database of `npm start -- --with …`: one node in the data directory, by Docker or by Java. */

const REMOVE_MS_MAX = 30_000;
const CONTAINER_PROGRAM = resolve(dirname(fileURLToPath(import.meta.url)), '../launch/container.mjs');
/** how `docker` finds its engine */
const DOCKER_VARIABLES = ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY'];

/** What the data remember of their node; a file without `container` is of one that runs on Java. */
const kept = z.object({ port: z.int(), storagePort: z.int(), container: z.string().optional() });
type Kept = z.infer<typeof kept>;

/** How a kind of server is run. */
export interface ServerKind {
  /** of the part, and of the folder in the data directory */
  part: PartName;
  /** for people */
  title: string;
  image: string;
  /** of the image, for people */
  imageSize: string;
  /** what follows `docker`, to run it in the foreground */
  container(place: { name: string; port: number }): string[];
  /** what runs it on Java, all that it needs fetched; rejects with one line that says what is missing */
  java(place: { directory: string; port: number; storagePort: number }): Promise<{ command: string; args: string[] }>;
}

/** What runs a node that is ours. */
export interface LocalServer {
  kind: ServerKind;
  directory: string;
  /** of its clients */
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
export async function localServer(kind: ServerKind, dataDir: string): Promise<LocalServer> {
  const directory = join(dataDir, kind.part);
  const file = keptFile(directory);
  const known = existsSync(file) ? kept.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
  if (known !== undefined) return await again(kind, directory, known);
  mkdirSync(directory, { recursive: true });
  const [port = 0, storagePort = 0] = await freePorts(2);
  const local = await firstOf(kind, directory, { port, storagePort });
  const { container } = local;
  writeFileSync(file, JSON.stringify({ port, storagePort, ...(container === undefined ? {} : { container }) }));
  return local;
}

async function again(kind: ServerKind, directory: string, known: Kept): Promise<LocalServer> {
  if (known.container === undefined) return await byJava(kind, directory, known);
  if (!(await dockerAnswers())) {
    throw new SettingsError(
      `the ${kind.title} of ${directory} is in Docker, whose engine does not answer: start it, or set DATA_DIR to another directory`,
    );
  }
  return await byDocker(kind, directory, known);
}

async function firstOf(kind: ServerKind, directory: string, ports: Kept): Promise<LocalServer> {
  if (!(await dockerAnswers())) {
    return await byJava(kind, directory, ports).catch((error: unknown) => {
      throw new SettingsError(`no Docker engine answers, and ${reasonOf(error)}`);
    });
  }
  try {
    return await byDocker(kind, directory, { ...ports, container: `millrace-${kind.part}-${randomUUID()}` });
  } catch (error) {
    progress(`${reasonOf(error)}; trying Java and Maven`);
    return await byJava(kind, directory, ports);
  }
}

async function byJava(kind: ServerKind, directory: string, { port, storagePort }: Kept): Promise<LocalServer> {
  const { command, args } = await kind.java({ directory, port, storagePort });
  return { kind, directory, port, ports: [port, storagePort], command, args, env: {} };
}

async function byDocker(kind: ServerKind, directory: string, { port, container = '' }: Kept): Promise<LocalServer> {
  await ensureImage(kind.image, kind.imageSize);
  return {
    kind,
    directory,
    port,
    ports: [port],
    command: process.execPath,
    args: [CONTAINER_PROGRAM, container, ...kind.container({ name: container, port })],
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

/** Ends the container that a killed run left. Throws a SettingsError when another process is where the node wants to be. */
export async function requireServerPorts({ directory, ports, container }: LocalServer): Promise<void> {
  if (container !== undefined) await run('docker', ['rm', '--force', container], { timeoutMs: REMOVE_MS_MAX });
  for (const port of ports) {
    if (await accepts(port)) {
      throw new SettingsError(`port ${port} is in use: stop what uses it, or delete ${keptFile(directory)}`);
    }
  }
}

export function serverSpec(local: LocalServer, root: string, env: PartSpec['env']): PartSpec {
  const { kind, command, args, container } = local;
  // the program around a container ends it when we are gone; Java knows no such channel
  return { name: kind.part, command, args, env: { ...env, ...local.env }, cwd: root, channel: container !== undefined };
}
