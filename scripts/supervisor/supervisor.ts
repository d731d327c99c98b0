import { claimDataDir, type DataDirClaim } from './claim.ts';
import { createPart, type Part, type PartName } from './part.ts';
import { natsAddresses, partSpecs } from './parts.ts';
import { accepts, requirePorts } from './ports.ts';
import { endProcess, identify } from './process-identity.ts';
import { secretsOf } from './secrets.ts';
import { type Ports, type Settings, SettingsError } from './settings.ts';

export interface Addresses {
  url: string;
  nats: string;
  natsWs: string;
  natsMonitor?: string;
  dataDir: string;
  pids: Record<string, number>;
}

export interface SupervisorOptions {
  root: string;
  settings: Settings;
  /** absent where NATS runs elsewhere */
  natsServerBin: string | undefined;
  /** parts that are not started with the rest; they can be started later */
  without?: readonly PartName[];
  /** one line for people: what dies, what is started again */
  say(line: string): void;
  /** what the parts themselves print */
  log(name: PartName, line: string): void;
}

export interface Supervisor {
  /** Takes the data directory, starts the parts, and resolves once the edge answers. Throws SettingsError with what to do. */
  start(): Promise<Addresses>;
  part(name: PartName): Part;
  addresses(): Addresses;
  /** Stops everything that was started, in reverse, within a bound. */
  stop(): Promise<void>;
}

const NATS_READY_MS_MAX = 15_000;
const EDGE_READY_MS_MAX = 60_000;
const PROBE_MS_MAX = 2_000;
const POLL_MS = 50;

/** Polls until it holds; false when it does not within the bound, or the work was called off. */
async function until(holds: () => Promise<boolean>, withinMs: number, calledOff: () => boolean): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline && !calledOff()) {
    if (await holds()) return true;
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
  return false;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS_MAX) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** The ports that our own parts will listen on. */
function portsOf({ ports, externalNats }: Settings): Partial<Ports> {
  const { edge, nats, natsWebSocket, natsMonitor, metrics } = ports;
  return externalNats ? { edge, metrics } : { edge, nats, natsWebSocket, natsMonitor, metrics };
}

/** Makes the parts of a local system. Nothing is touched before `start`. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { settings, say } = options;
  const without = new Set(options.without ?? []);
  const parts = new Map<PartName, Part>();
  let claim: DataDirClaim | undefined;
  let stopping = false;

  const addresses = (): Addresses => {
    const nats = natsAddresses(settings);
    const pids: Record<string, number> = {};
    for (const part of parts.values()) {
      if (part.pid !== undefined) pids[part.name] = part.pid;
      for (const [name, pid] of part.offspring) pids[name] = pid;
    }
    return {
      url: `http://127.0.0.1:${settings.ports.edge}`,
      nats: nats.url,
      natsWs: nats.webSocketUrl,
      ...(settings.externalNats ? {} : { natsMonitor: `http://127.0.0.1:${settings.ports.natsMonitor}` }),
      dataDir: settings.dataDir,
      pids,
    };
  };

  const makeParts = (): void => {
    const identities = new Map<string, ReturnType<typeof identify>>();
    const input = { root: options.root, settings, secrets: secretsOf(settings), natsServerBin: options.natsServerBin };
    for (const [name, spec] of partSpecs(input)) {
      const part = createPart(spec, {
        say,
        log: options.log,
        started(child, pid) {
          identities.set(child, identify(pid));
          claim?.remember(child, pid);
        },
        async ended(child) {
          // workerd outlives an edge process that was killed, and would keep its port.
          const identity = identities.get(child);
          if (identity) await endProcess(identity);
          claim?.forget(child);
        },
      });
      parts.set(name, part);
    }
  };

  const startParts = async (): Promise<void> => {
    const nats = parts.get('nats');
    if (nats && !without.has('nats')) {
      nats.start();
      if (!(await until(() => accepts(settings.ports.nats), NATS_READY_MS_MAX, () => stopping)) && !stopping) {
        throw new Error(`nats-server does not accept connections within ${NATS_READY_MS_MAX / 1000} s: see the logs in ${settings.dataDir}`);
      }
    }
    if (stopping) return;
    for (const name of ['edge', 'consumers'] as const) if (!without.has(name)) parts.get(name)?.start();
    if (without.has('edge')) return;
    if (!(await until(() => answers(`${addresses().url}/healthz`), EDGE_READY_MS_MAX, () => stopping)) && !stopping) {
      throw new Error(`the edge does not answer within ${EDGE_READY_MS_MAX / 1000} s: see the logs in ${settings.dataDir}`);
    }
  };

  const stop = async (): Promise<void> => {
    stopping = true;
    // The edge and the consumers first: they have work to hand over while NATS is there.
    await Promise.all([parts.get('edge')?.stop(), parts.get('consumers')?.stop()]);
    await parts.get('nats')?.stop();
    claim?.release();
    claim = undefined;
  };

  return {
    async start() {
      claim = await claimDataDir(settings.dataDir, say);
      try {
        await requirePorts(portsOf(settings));
        makeParts();
        await startParts();
      } catch (error) {
        await stop();
        throw error;
      }
      return addresses();
    },
    part(name) {
      const part = parts.get(name);
      if (!part) throw new SettingsError(`there is no ${name} here`);
      return part;
    },
    addresses,
    stop,
  };
}
