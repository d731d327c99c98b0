import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cassandraClient } from '../../consumers/stores/history/cassandra-client.ts';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { cassandraSettingsFrom, type CassandraSettings } from '../../consumers/stores/history/cassandra-settings.ts';
import { startCassandra } from '../../scripts/launch/cassandra.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import { startDelayingProxy } from '../load/delaying-proxy.ts';

const HOSTS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;
/** thirds of the ring */
const TOKENS = ['-9223372036854775808', '-3074457345618258603', '3074457345618258602'] as const;
const READY_MS_MAX = 300_000;
const LOOK_MS = 1_000;

export interface Cluster {
  /** `host:port` of the nodes, and of the same with a network before them */
  contactPoints: string;
  farContactPoints: string;
  /** Stops the nodes: whoever asks them is refused. */
  stopNodes(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Three nodes with three copies, `commitlog_sync: group` (scripts/launch/cassandra-config.mjs), and Millrace's schema. `delayMs` is
 * added in each direction by proxies on the nodes' own addresses, at another port: drivers look for all nodes at one port.
 */
export async function startCluster(delayMs: number): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-cluster-'));
  const [port = 0, storagePort = 0, farPort = 0] = await freePorts(3);
  const stops: (() => Promise<void>)[] = [async () => await rm(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  try {
    const nodes = await Promise.all(
      HOSTS.map(async (host, at) => {
        const place = join(directory, `node-${at}`);
        await mkdir(place);
        const ring = { initialToken: TOKENS[at] ?? '', seeds: [...HOSTS] };
        return await startCassandra({ directory: place, host, port, storagePort, ...ring });
      }),
    );
    const stopNodes = async (): Promise<void> => {
      for (const node of nodes.splice(0)) await node.stop();
    };
    stops.push(stopNodes);
    const far = await Promise.all(HOSTS.map((host) => startDelayingProxy(host, port, delayMs, farPort)));
    stops.push(async () => void (await Promise.all(far.map((each) => each.close()))));
    const contactPoints = pointsAt(port);
    await until(() => seeEachOther(contactPoints));
    await migrateCassandra(clusterSettings(contactPoints), () => {});
    return { contactPoints, farContactPoints: pointsAt(farPort), stopNodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export function clusterSettings(contactPoints: string): CassandraSettings {
  const settings = cassandraSettingsFrom({ CASSANDRA_CONTACT_POINTS: contactPoints, CASSANDRA_REPLICATION: '3' });
  if (settings === undefined) throw new Error('no contact points');
  return settings;
}

function pointsAt(port: number): string {
  return HOSTS.map((host) => `${host}:${port}`).join(',');
}

/** Each node says that it sees the other two: a schema made before would be made twice. */
async function seeEachOther(contactPoints: string): Promise<boolean> {
  const peers = contactPoints.split(',').map(async (point) => {
    const client = cassandraClient({ ...clusterSettings(point), contactPoints: [point] });
    try {
      return (await client.execute('SELECT peer FROM system.peers', [], { prepare: false, consistency: 1 })).rowLength;
    } catch {
      return 0;
    } finally {
      await client.shutdown();
    }
  });
  return (await Promise.all(peers)).every((count) => count === HOSTS.length - 1);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`the nodes do not see each other within ${READY_MS_MAX} ms`);
    await sleep(LOOK_MS);
  }
}
