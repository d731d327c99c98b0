import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { cassandraSettingsFrom } from '../../consumers/stores/history/cassandra-settings.ts';
import { type CassandraNode, type CassandraPlace, startCassandra } from '../../scripts/launch/cassandra.mjs';
import type { Detours } from '../../scripts/supervisor/parts.ts';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import type { Settings } from '../../scripts/supervisor/settings.ts';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts';
import { startStack, type Stack } from '../support/stack.ts';
import type { LinkName } from './plan.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';

/** no rate limit of ours is what is looked at */
export const NO_LIMITS = {
  LIMIT_COMMANDS_PER_S: '100000',
  LIMIT_COMMANDS_BURST: '100000',
  LIMIT_SESSION_COMMANDS_PER_S: '100000',
  LIMIT_FRAMES_PER_S: '100000',
  LIMIT_FRAMES_BURST: '100000',
};

/** what is lost from the stream is looked for after a minute and published again after two and a half: here in seconds */
const SOON = { REPAIR_AFTER_MS: '4000', EVENTS_DUPLICATE_WINDOW_MS: '8000' };

export interface SystemOptions {
  withCassandra: boolean;
  /** of the disk that JetStream stores on; absent: the machine's own */
  natsDiskBytes?: number;
  env?: Readonly<Record<string, string>>;
}

/** The whole local system, with something that breaks connections on each way between its parts. */
export interface BreakableSystem {
  readonly stack: Stack;
  readonly links: ReadonlyMap<LinkName, CuttingProxy>;
  /** of the edge, by the way of the clients */
  readonly url: string;
  readonly disk: SmallDisk | undefined;
  /** why there is no small disk */
  readonly diskMissing: string | undefined;
  /** CASSANDRA_* of the straight way */
  readonly cassandraVariables: Readonly<Record<string, string>> | undefined;
  readonly cassandra: BreakableCassandra | undefined;
  stop(): Promise<void>;
}

/** One node whose data outlive it. */
export class BreakableCassandra {
  readonly #place: CassandraPlace;
  #node: CassandraNode | undefined;

  constructor(place: CassandraPlace) {
    this.#place = place;
  }

  get contactPoint(): string {
    return `127.0.0.1:${this.#place.port}`;
  }

  get pid(): number | undefined {
    return this.#node?.pid;
  }

  async start(): Promise<void> {
    this.#node ??= await startCassandra(this.#place);
  }

  async kill(): Promise<void> {
    await this.#node?.kill();
    this.#node = undefined;
  }
}

class System implements BreakableSystem {
  readonly links = new Map<LinkName, CuttingProxy>();
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-faults-'));
  cassandra: BreakableCassandra | undefined;
  disk: SmallDisk | undefined;
  diskMissing: string | undefined = 'it was not asked for';
  #stack: Stack | undefined;

  get stack(): Stack {
    if (this.#stack === undefined) throw new Error('it was not started');
    return this.#stack;
  }

  get url(): string {
    return this.links.get('clients-edge')?.url ?? this.stack.url;
  }

  get cassandraVariables(): Record<string, string> | undefined {
    return this.cassandra === undefined ? undefined : { CASSANDRA_CONTACT_POINTS: this.cassandra.contactPoint };
  }

  async start({ withCassandra, natsDiskBytes, env }: SystemOptions): Promise<void> {
    const dataDir = join(this.directory, 'data');
    if (natsDiskBytes !== undefined) {
      const mounted = mountSmallDisk(join(dataDir, 'nats'), natsDiskBytes);
      if (typeof mounted === 'string') this.diskMissing = mounted;
      else this.disk = mounted;
    }
    const variables = withCassandra ? await this.#startCassandra() : {};
    this.#stack = await startStack({
      dataDir,
      env: { ...NO_LIMITS, ...SOON, ...variables, ...env },
      detours: async (settings) => await this.#detours(settings),
    });
    this.links.set('clients-edge', await startCuttingProxy(this.#stack.url));
  }

  async stop(): Promise<void> {
    for (const link of this.links.values()) await link.close();
    await this.#stack?.stop();
    await this.cassandra?.kill();
    this.disk?.unmount();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #startCassandra(): Promise<Record<string, string>> {
    const [port = 0, storagePort = 0] = await freePorts(2);
    const directory = mkdtempSync(join(this.directory, 'cassandra-'));
    this.cassandra = new BreakableCassandra({ directory, port, storagePort });
    await this.cassandra.start();
    const settings = cassandraSettingsFrom(this.cassandraVariables ?? {});
    if (settings === undefined) throw new Error('no settings');
    await migrateCassandra(settings, () => {});
    const link = await startCuttingProxy(`cql://${this.cassandra.contactPoint}`);
    this.links.set('consumers-cassandra', link);
    return { CASSANDRA_CONTACT_POINTS: `127.0.0.1:${link.port}` };
  }

  /** Asked once for each set of ports that is tried. */
  async #detours({ ports }: Settings): Promise<Detours> {
    const ways = [
      ['consumers-nats', `nats://127.0.0.1:${ports.nats}`],
      ['edge-nats', `ws://127.0.0.1:${ports.natsWebSocket}`],
      ['consumers-edge', `http://127.0.0.1:${ports.edge}`],
    ] as const;
    const [natsUrl = '', natsWebSocketUrl = '', edgeUrl = ''] = await Promise.all(
      ways.map(async ([name, target]) => {
        await this.links.get(name)?.close();
        const link = await startCuttingProxy(target);
        this.links.set(name, link);
        return link.url;
      }),
    );
    return { natsUrl, natsWebSocketUrl, edgeUrl };
  }
}

export async function startSystem(options: SystemOptions): Promise<BreakableSystem> {
  const system = new System();
  try {
    await system.start(options);
    return system;
  } catch (error) {
    await system.stop();
    throw error;
  }
}
