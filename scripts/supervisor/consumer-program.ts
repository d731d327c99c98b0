import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { consumersEnvironment, edgeEnvironment } from './parts.ts';
import { secretsOf } from './secrets.ts';
import { readSettings, SettingsError } from './settings.ts';

/** Runs a program of the consumers by hand, with what theirs are given by `npm start`. */

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const EXIT_CANNOT_BEGIN = 2;

export interface ProgramNeeds {
  /** it is given what the edge is given too */
  alsoEdge?: true;
  /** options by which it is told of settings itself: with one of them our environment goes on as it is */
  ownSources?: readonly string[];
}

/** `name` stands before what is said; `file` is below consumers/. Sets the exit code: the program's, or 2 when it cannot begin. */
export function runConsumerProgram(name: string, file: string, needs: ProgramNeeds = {}): void {
  try {
    const child = spawn(process.execPath, [join(ROOT, 'consumers', file), ...process.argv.slice(2)], {
      cwd: ROOT,
      env: environment(needs),
      stdio: 'inherit',
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => refuse(name, error.message));
    child.on('exit', (code) => (process.exitCode = code ?? EXIT_CANNOT_BEGIN));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    refuse(name, error.message);
  }
}

function refuse(name: string, why: string): void {
  console.error(`${name}: ${why}`);
  process.exitCode = EXIT_CANNOT_BEGIN;
}

/** With NATS_URL it is the consumers' own environment, of a system that runs anywhere; else that of one started here. */
function environment({ alsoEdge, ownSources = [] }: ProgramNeeds): Record<string, string | undefined> {
  const asIs = ['--help', '-h', ...ownSources];
  if (process.env['NATS_URL'] || process.argv.some((argument) => asIs.includes(argument.replace(/=.*$/s, ''))))
    return process.env;
  const settings = readSettings(process.env, ROOT);
  // made by the start of a system: without them there is none, and making them here would only hide that
  if (settings.internalSecret === undefined && !existsSync(join(settings.dataDir, 'secrets.json'))) {
    throw new SettingsError(`there is no system in ${settings.dataDir}: start one with npm start, or name another DATA_DIR`);
  }
  const internalSecret = settings.internalSecret ?? secretsOf(settings).internalSecret;
  const secrets = { jwtSecret: alsoEdge === true ? secretsOf(settings).jwtSecret : '', internalSecret };
  return {
    ...(alsoEdge === true ? edgeEnvironment(settings, secrets) : {}),
    ...consumersEnvironment(settings, secrets),
    ...localServers(settings.dataDir),
  };
}

/** The nodes that `npm start -- --with …` made in the data directory, unless others are named. */
function localServers(dataDir: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [folder, variable, before] of [
    ['cassandra', 'CASSANDRA_CONTACT_POINTS', ''],
    ['opensearch', 'SEARCH_URL', 'http://'],
  ] as const) {
    const file = join(dataDir, folder, 'ports.json');
    if (process.env[variable] || !existsSync(file)) continue;
    const { port } = JSON.parse(readFileSync(file, 'utf8')) as { port: number };
    variables[variable] = `${before}127.0.0.1:${port}`;
  }
  return variables;
}
