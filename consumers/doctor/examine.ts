import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { CONSUMERS } from '../durables.ts';
import { takePulse } from '../pulse/pulse.ts';
import { READ_MODELS } from '../read-models.ts';
import { infoOf, lookAtDurable } from '../runtime/durable-look.ts';
import { infoOfStream } from '../runtime/stream-state.ts';
import { wantedStreams } from '../runtime/streams.ts';
import type { Settings } from '../settings.ts';
import { checkEdge } from './edge-checks.ts';
import { examined, error, type Finding } from './finding.ts';
import { checkClock, checkRights, lookAtNats } from './nats-checks.ts';
import { checkEdgeSettings, type Environment } from './settings-checks.ts';
import { checkAnalytics, checkCassandra, checkDisk, checkSearch } from './store-checks.ts';
import { checkDurable, checkStream } from './stream-checks.ts';
import { checkWebSockets } from './web-socket-checks.ts';
import { checkWorkers } from './worker-checks.ts';

/** Everything that is looked at, each part by itself and within a bound. */

const PART_MS_MAX = 15_000;
/** a process whose embedded store writes answers late, and must not be taken for none: nobody here is in a hurry */
const PATIENCE = { msMax: 4_000, stallMs: 1_500 };
/** no read model, and yet nobody is answered without them */
const ROLES_BESIDE = ['query', 'upkeep', 'admin'];

/** `settings`: what the consumers make of `env`. Never rejects. */
export async function examine(settings: Settings, env: Environment): Promise<Finding[]> {
  const { analytics, cassandra, dataDir, edgeUrl, internalSecret, openSearch } = settings;
  const parts = await Promise.all([
    Promise.resolve(checkEdgeSettings(env)),
    examineNats(settings),
    examined('nats:websocket', PART_MS_MAX, async () => await checkWebSockets(env['NATS_WS_URL'])),
    cassandra === undefined ? [] : examined('cassandra', PART_MS_MAX, async () => await checkCassandra(cassandra)),
    openSearch === undefined ? [] : examined('search', PART_MS_MAX, async () => await checkSearch(openSearch)),
    analytics?.kind === 'server' ? examined('analytics', PART_MS_MAX, async () => await checkAnalytics(analytics.url)) : [],
    examined('edge', PART_MS_MAX, async () => await checkEdge({ edgeUrl, internalSecret }, env)),
    examined('disk', PART_MS_MAX, async () => await checkDisk(dataDir)),
  ]);
  return parts.flat();
}

async function examineNats(settings: Settings): Promise<Finding[]> {
  const { connection, findings } = await lookAtNats(settings);
  if (connection === undefined) return findings;
  try {
    const rights = await checkRights(connection);
    findings.push(...rights.findings);
    const { manager } = rights;
    if (manager !== undefined) findings.push(...(await examineJetStream(connection, manager, settings)));
    return findings;
  } finally {
    await connection.close().catch(() => undefined);
  }
}

async function examineJetStream(connection: NatsConnection, manager: JetStreamManager, settings: Settings): Promise<Finding[]> {
  const parts = await Promise.all([
    ...wantedStreams(settings).map(
      async (wanted) =>
        await examined(`stream:${wanted.name}`, PART_MS_MAX, async () => {
          return checkStream(wanted, await infoOfStream(manager, wanted.name), settings.replicas);
        }),
    ),
    examined('clock', PART_MS_MAX, async () => {
      const askedMs = Date.now();
      const info = await infoOfStream(manager, EVENTS_STREAM);
      return checkClock(info?.ts, askedMs, Date.now());
    }),
    ...CONSUMERS.map(
      async (consumer) =>
        await examined(`durable:${consumer.name}`, PART_MS_MAX, async () => {
          const look = await lookAtDurable(manager, consumer);
          const info = await infoOf(manager, consumer);
          return checkDurable(consumer.name, look, info?.config, Date.now());
        }),
    ),
    examined('workers', PART_MS_MAX, async () => {
      const roles = [...READ_MODELS.map(({ name }) => name), 'relay', ...ROLES_BESIDE];
      return checkWorkers(roles, await takePulse(connection, PATIENCE), Date.now());
    }),
  ]);
  return parts.flat();
}

/** Nothing else can be looked at without them. */
export function unusable(message: string): Finding[] {
  return [error('settings', `${message}.`, 'Correct it, then look again: nothing else was looked at.')];
}
