import { bringSchema, contactPointOf } from './cassandra.ts';
import { claimDataDir, type DataDirClaim } from './claim.ts';
import { type LocalServer, requireServerPorts } from './local-server.ts';
import { searchUrlOf } from './opensearch.ts';
import { createPart, type Part, type PartHooks, type PartName } from './part.ts';
import { type Detours, natsAddresses, partSpecs, plainEnvironment } from './parts.ts';
import { accepts, requirePorts } from './ports.ts';
import { endProcess, identify, type ProcessIdentity } from './process-identity.ts';
import { secretsOf } from './secrets.ts';
import { type Ports, type Settings, SettingsError } from './settings.ts';

export interface Addresses {
  url: string;
  nats: string;
  natsWs: string;
  natsMonitor?: string;
  cassandra?: string;
  opensearch?: string;
  dataDir: string;
  pids: Record<string, number>;
}

export interface SupervisorOptions {
  root: string;
  settings: Settings;
  /** absent where NATS runs elsewhere */
  natsServerBin: string | undefined;
  /** databases to start; the settings name them to the consumers */
  servers?: readonly LocalServer[];
  /** bring the schema of the Cassandra that the settings name up to date */
  migrates?: boolean;
  /** parts that are not started with the rest; they can be started later */
  without?: readonly PartName[];
  detours?: Detours;
  /** directory of another bundle of the edge than the built one */
  edgeBundle?: string;
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

class LocalSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #without: ReadonlySet<PartName>;
  readonly #parts = new Map<PartName, Part>();
  readonly #identities = new Map<string, ProcessIdentity>();
  #claim: DataDirClaim | undefined;
  #stopping = false;
  readonly #stopped = new AbortController();
  #migration: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#without = new Set(options.without ?? []);
  }

  async start(): Promise<Addresses> {
    const { settings, say } = this.#options;
    this.#claim = await claimDataDir(settings.dataDir, say);
    try {
      await requirePorts(portsOf(settings));
      for (const server of this.#servers()) await requireServerPorts(server);
      this.#makeParts();
      this.#startServers();
      await this.#startNats();
      await this.#startRest();
    } catch (error) {
      await this.stop();
      throw error;
    }
    return this.addresses();
  }

  part(name: PartName): Part {
    const part = this.#parts.get(name);
    if (!part) throw new SettingsError(`there is no ${name} here`);
    return part;
  }

  addresses(): Addresses {
    const { settings } = this.#options;
    const [cassandra, opensearch] = (['cassandra', 'opensearch'] as const).map((part) => this.#server(part));
    const nats = natsAddresses(settings);
    const pids: Record<string, number> = {};
    for (const part of this.#parts.values()) {
      if (part.pid !== undefined) pids[part.name] = part.pid;
      for (const [name, pid] of part.offspring) pids[name] = pid;
    }
    return {
      url: `http://127.0.0.1:${settings.ports.edge}`,
      nats: nats.url,
      natsWs: nats.webSocketUrl,
      ...(settings.externalNats ? {} : { natsMonitor: `http://127.0.0.1:${settings.ports.natsMonitor}` }),
      ...(cassandra ? { cassandra: contactPointOf(cassandra) } : {}),
      ...(opensearch ? { opensearch: searchUrlOf(opensearch) } : {}),
      dataDir: settings.dataDir,
      pids,
    };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopped.abort();
    await this.#migration;
    // The edge and the consumers first: they have work to hand over while NATS is there.
    await Promise.all([this.#parts.get('edge')?.stop(), this.#parts.get('consumers')?.stop()]);
    const last = ['nats', ...this.#servers().map(({ kind }) => kind.part)] as const;
    await Promise.all(last.map(async (name) => await this.#parts.get(name)?.stop()));
    this.#claim?.release();
    this.#claim = undefined;
  }

  #makeParts(): void {
    const { root, settings, natsServerBin, detours, edgeBundle, say, log } = this.#options;
    const hooks: PartHooks = {
      say,
      log,
      started: (name, pid) => this.#noteStart(name, pid),
      ended: (name) => this.#noteEnd(name),
    };
    const input = {
      root,
      settings,
      secrets: secretsOf(settings),
      natsServerBin,
      servers: this.#servers(),
      ...(detours ? { detours } : {}),
      ...(edgeBundle === undefined ? {} : { edgeBundle }),
    };
    for (const [name, spec] of partSpecs(input)) this.#parts.set(name, createPart(spec, hooks));
  }

  #servers(): readonly LocalServer[] {
    return this.#options.servers ?? [];
  }

  #server(part: PartName): LocalServer | undefined {
    return this.#servers().find(({ kind }) => kind.part === part);
  }

  #noteStart(name: string, pid: number): void {
    const identity = identify(pid);
    if (identity) this.#identities.set(name, identity);
    this.#claim?.remember(name, pid);
  }

  async #noteEnd(name: string): Promise<void> {
    // workerd outlives an edge process that was killed, and would keep its port.
    const identity = this.#identities.get(name);
    if (identity) await endProcess(identity);
    this.#claim?.forget(name);
  }

  /** Nobody waits for it: commands are accepted without a store, and the consumers wait for its schema by themselves. */
  #startServers(): void {
    const { root, settings, migrates, say } = this.#options;
    for (const { kind } of this.#servers()) this.#parts.get(kind.part)?.start();
    if (migrates !== true) return;
    const env = { ...plainEnvironment(), ...settings.consumerVariables };
    this.#migration = bringSchema(this.#server('cassandra'), root, env, this.#stopped.signal).then((complaint) => {
      if (complaint !== undefined) say(complaint);
      else if (!this.#stopping) say('Cassandra is ready');
    });
  }

  async #startNats(): Promise<void> {
    const { settings } = this.#options;
    const nats = this.#parts.get('nats');
    if (!nats || this.#without.has('nats') || this.#stopping) return;
    nats.start();
    const up = await until(
      () => accepts(settings.ports.nats),
      NATS_READY_MS_MAX,
      () => this.#stopping,
    );
    if (up || this.#stopping) return;
    throw new Error(
      `nats-server does not accept connections within ${NATS_READY_MS_MAX / 1000} s: see the logs in ${settings.dataDir}`,
    );
  }

  async #startRest(): Promise<void> {
    const { settings } = this.#options;
    if (this.#stopping) return;
    for (const name of ['edge', 'consumers'] as const) if (!this.#without.has(name)) this.part(name).start();
    if (this.#without.has('edge')) return;
    const up = await until(
      () => answers(`${this.addresses().url}/healthz`),
      EDGE_READY_MS_MAX,
      () => this.#stopping,
    );
    if (up || this.#stopping) return;
    throw new Error(`the edge does not answer within ${EDGE_READY_MS_MAX / 1000} s: see the logs in ${settings.dataDir}`);
  }
}

/** Makes the parts of a local system. Nothing is touched before `start`. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new LocalSupervisor(options);
}
