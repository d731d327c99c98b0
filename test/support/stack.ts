import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureEdgeBundle } from '../../scripts/launch/edge-build.mjs';
import { wantsTelemetry } from '../../scripts/launch/telemetry-packages.mjs';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { makeToken, type TokenOptions } from '../../scripts/supervisor/make-token.ts';
import type { PartName } from '../../scripts/supervisor/part.ts';
import type { Detours } from '../../scripts/supervisor/parts.ts';
import { openPartLogs } from '../../scripts/supervisor/part-logs.ts';
import { accepts, freePorts } from '../../scripts/supervisor/ports.ts';
import { type Secrets, secretsOf } from '../../scripts/supervisor/secrets.ts';
import { readSettings, type Settings, SettingsError } from '../../scripts/supervisor/settings.ts';
import { createSupervisor, type Supervisor } from '../../scripts/supervisor/supervisor.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** what the parts printed is kept for the test's messages, oldest dropped first */
const LOG_LINES_MAX = 2_000;
/** other tests take free ports at the same time: then another set is tried */
const PORT_ATTEMPTS_MAX = 4;
const UNTIL_MS_DEFAULT = 20_000;
const UNTIL_POLL_MS = 25;

export interface StackOptions {
  /** parts started at once; all by default. The others can be started later. */
  parts?: readonly PartName[];
  /** settings of contract §9 and §6; ports and DATA_DIR are chosen here */
  env?: Readonly<Record<string, string>>;
  /** kept and used again; by default one is made and removed at the end */
  dataDir?: string;
  /** ways between the parts that are not the straight ones; asked once the ports are known */
  detours?: (settings: Settings) => Promise<Detours>;
}

/** A whole local system on free ports of 127.0.0.1. */
export interface Stack {
  /** of the edge */
  readonly url: string;
  readonly nats: string;
  readonly natsWs: string;
  readonly natsMonitor: string;
  readonly dataDir: string;
  readonly settings: Settings;
  readonly secrets: Secrets;
  /** running processes: nats, edge, workerd, consumers */
  pids(): Readonly<Record<string, number>>;
  /** the last lines of what a part printed */
  logs(part: PartName): readonly string[];
  /** what the supervisor said: deaths and restarts */
  readonly said: readonly string[];
  /** a bearer token of this system */
  token(subject: string, options?: TokenOptions): Promise<string>;
  /** Signals a process; the supervisor starts the part again. Throws when it is not running. */
  kill(process: PartName | 'workerd', signal?: NodeJS.Signals): void;
  /** Starts a part that was left out or stopped, and waits until it accepts connections (consumers: until it runs). */
  start(part: PartName): Promise<void>;
  /** Stops one part, which then stays away until `start`; without a name stops everything and removes the data directory. */
  stop(part?: PartName): Promise<void>;
  /** Waits until the edge answers. */
  edgeReady(withinMs?: number): Promise<void>;
}

/** Polls until it holds; throws naming `what` when it does not within the bound. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs: number = UNTIL_MS_DEFAULT,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((wake) => setTimeout(wake, UNTIL_POLL_MS));
  }
}

/** Why no stack can be started here, for `requireOrSkip('nats-server', natsServerMissing())`; undefined when it can. */
export function natsServerMissing(): string | undefined {
  try {
    return findNatsServer() === undefined ? 'it is not installed and could not be fetched' : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The variables of a system on its own folder and free ports. */
export async function freeVariables(dataDir: string): Promise<Record<string, string>> {
  const [port, nats, natsWs, natsMonitor, metrics] = await freePorts(5);
  return {
    DATA_DIR: dataDir,
    PORT: String(port),
    NATS_PORT: String(nats),
    NATS_WS_PORT: String(natsWs),
    NATS_MONITOR_PORT: String(natsMonitor),
    METRICS_PORT: String(metrics),
  };
}

async function freshSettings(dataDir: string, env: Readonly<Record<string, string>>): Promise<Settings> {
  return readSettings({ ...env, ...(await freeVariables(dataDir)) }, ROOT);
}

interface Started {
  supervisor: Supervisor;
  settings: Settings;
}

type Sinks = Pick<Parameters<typeof createSupervisor>[0], 'say' | 'log'>;

async function startSupervisor(dataDir: string, options: StackOptions, sinks: Sinks): Promise<Started> {
  const natsServerBin = findNatsServer();
  const wanted = options.parts ?? ['nats', 'edge', 'consumers'];
  const without = (['nats', 'edge', 'consumers'] as const).filter((name) => !wanted.includes(name));
  for (let attempt = 1; ; attempt += 1) {
    const settings = await freshSettings(dataDir, options.env ?? {});
    const detours = await options.detours?.(settings);
    const supervisor = createSupervisor({
      root: ROOT,
      settings,
      natsServerBin,
      without,
      ...(detours ? { detours } : {}),
      ...sinks,
    });
    try {
      await supervisor.start();
      return { supervisor, settings };
    } catch (error) {
      if (attempt >= PORT_ATTEMPTS_MAX || !(error instanceof SettingsError) || !/port \d+ is in use/.test(error.message))
        throw error;
    }
  }
}

/** Starts a system for a test, a replay or a bench. The caller stops it. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await ensureEdgeBundle({ telemetry: wantsTelemetry(options.env ?? {}) });
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'millrace-'));
  const logs = new Map<PartName, string[]>();
  const said: string[] = [];
  const files = openPartLogs(dataDir);
  const sinks: Sinks = {
    say: (line) => void said.push(line),
    log(name, line) {
      const lines = logs.get(name) ?? [];
      logs.set(name, lines);
      lines.push(line);
      if (lines.length > LOG_LINES_MAX) lines.shift();
      files.write(name, line);
    },
  };
  const { supervisor, settings } = await startSupervisor(dataDir, options, sinks).catch((error: unknown) => {
    const tail = [...logs].map(([name, lines]) => `[${name}] ${lines.slice(-10).join(`\n[${name}] `)}`).join('\n');
    throw new Error(`the stack does not start: ${error instanceof Error ? error.message : String(error)}\n${tail}`);
  });
  const secrets = secretsOf(settings);
  const { url, nats, natsWs, natsMonitor = '' } = supervisor.addresses();

  const edgeReady = (withinMs?: number): Promise<void> => {
    const answers = async (): Promise<boolean> => {
      try {
        const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
        await response.arrayBuffer();
        return response.ok;
      } catch {
        return false;
      }
    };
    return until('the edge answers', answers, withinMs);
  };

  return {
    url,
    nats,
    natsWs,
    natsMonitor,
    dataDir,
    settings,
    secrets,
    said,
    pids: () => supervisor.addresses().pids,
    logs: (part) => logs.get(part) ?? [],
    token: (subject, tokenOptions = {}) =>
      makeToken(subject, tokenOptions, { secret: secrets.jwtSecret, environment: settings.edgeVariables }),
    kill(name, signal = 'SIGKILL') {
      const pid = supervisor.addresses().pids[name];
      if (pid === undefined) throw new Error(`${name} is not running`);
      process.kill(pid, signal);
    },
    async start(part) {
      supervisor.part(part).start();
      if (part === 'edge') await edgeReady();
      else if (part === 'nats') await until('nats-server accepts connections', () => accepts(settings.ports.nats));
      else await until('the consumers run', () => supervisor.part(part).pid !== undefined);
    },
    async stop(part) {
      if (part) return supervisor.part(part).stop();
      await supervisor.stop();
      files.close();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
    edgeReady,
  };
}
