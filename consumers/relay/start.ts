import { jetstream, jetstreamManager, type JetStreamManager, type MsgRequest } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { COMMANDS_STREAM } from '../../shared/contract/subjects.ts';
import type { Tracer } from '../../shared/telemetry/tracer.ts';
import { countedLetters, jetStreamDeadLetters } from '../runtime/dead-letters.ts';
import { describe, type Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { signedPoster } from '../runtime/signed-post.ts';
import type { Settings } from '../runtime/settings.ts';
import { ACK_WAIT_MS, ensurePinnedDurable, ensureStreams } from '../runtime/streams.ts';
import { replyPrefix } from './command-message.ts';
import { edgeDoor } from './edge-door.ts';
import { Relay, RELAY_DURABLE, type CommandStream } from './relay.ts';
import { natsReplies } from './replies.ts';
import { SignalRelay } from './signals.ts';
import { PIN_MS, PinnedSource, RELAY_GROUP } from './source.ts';

const PAYLOAD_BYTES_DEFAULT = 1024 * 1024;
const STREAM_CALL_MS_MAX = 2_000;

/** the durable of the relay, as it is made */
export const RELAY_PLACE = { stream: COMMANDS_STREAM, durable: RELAY_DURABLE, group: RELAY_GROUP, pinMs: PIN_MS } as const;

export interface RelayTimes {
  /** how often stream and durable are looked for: a deleted durable stalls without a sign */
  ensureEveryMs: number;
  drainMsMax: number;
}

/** Starts the relay: one is active, any number stand by. Rejects when stream or durable cannot be made. */
export async function startRelay(
  connection: NatsConnection,
  settings: Settings,
  log: Log,
  { ensureEveryMs, drainMsMax }: RelayTimes,
  { metrics, tracer }: { metrics: Metrics; tracer?: Tracer },
): Promise<() => Promise<void>> {
  const client = jetstream(connection);
  const manager = await jetstreamManager(connection, { timeout: STREAM_CALL_MS_MAX });
  const ensure = async (): Promise<void> => {
    await ensureStreams(manager, settings, log);
    await ensurePinnedDurable(manager, RELAY_PLACE, log);
  };
  await ensure();
  const edge = edgeDoor(signedPoster(settings.edgeUrl, settings.internalSecret, Date.now));
  const relay = new Relay({
    edge,
    stream: commandStream(manager),
    deadLetters: countedLetters(jetStreamDeadLetters(client, connection.info?.max_payload ?? PAYLOAD_BYTES_DEFAULT), metrics),
    replies: natsReplies(connection),
    replyPrefix: replyPrefix(settings.backendReplies),
    ...(tracer === undefined ? {} : { tracer }),
    log,
    now: Date.now,
    random: Math.random,
  });
  const source = new PinnedSource({
    connection,
    client,
    take: (incoming, tenure) => relay.take(incoming, tenure),
    interrupted: () => relay.interrupted(),
    unpin: async (pinId) => await unpin(manager, pinId),
    ensure,
    log,
  });
  const signals = new SignalRelay(connection, edge, log);
  const working = setInterval(() => relay.working(), ACK_WAIT_MS / 3);
  const ensuring = setInterval(() => {
    ensure().catch((error: unknown) => log('warn', 'cannot look after stream and durable', { error: describe(error) }));
  }, ensureEveryMs);
  const watching = relay.watchFloor();
  signals.start();
  source.start();
  return async () => {
    clearInterval(ensuring);
    await Promise.all([source.stop(), signals.stop()]);
    await relay.stop(drainMsMax);
    clearInterval(working);
    await watching;
  };
}

/** a part of the durable's state that the client has no type for */
const pinState = z.object({ priority_groups: z.array(z.object({ pinned_client_id: z.string().optional() })) });

async function unpin(manager: JetStreamManager, pinId: string): Promise<void> {
  const { priority_groups: groups } = pinState.parse(await manager.consumers.info(COMMANDS_STREAM, RELAY_DURABLE));
  const isOurs = groups.some((group) => group.pinned_client_id === pinId);
  if (isOurs) await manager.consumers.unpin(COMMANDS_STREAM, RELAY_DURABLE, RELAY_GROUP);
}

function commandStream(manager: JetStreamManager): CommandStream {
  return {
    async firstOf(subject) {
      // the leader's answer, unlike a direct get; the client's type knows this form of the request for direct gets alone
      const query: MsgRequest & { next_by_subj: string } = { seq: 1, next_by_subj: subject };
      return (await manager.streams.getMessage(COMMANDS_STREAM, query))?.seq;
    },
    async payloadOf(seq) {
      return (await manager.streams.getMessage(COMMANDS_STREAM, { seq }))?.data;
    },
    async ackFloor() {
      return (await manager.consumers.info(COMMANDS_STREAM, RELAY_DURABLE)).ack_floor.stream_seq;
    },
  };
}
