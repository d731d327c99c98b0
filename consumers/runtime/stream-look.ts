import { JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { ServerInfo } from '@nats-io/transport-node';
import { EVENTS_STREAM, EVENTS_SUBJECTS } from '../../shared/contract/subjects.ts';
import { infoOf, pausedUntilOf } from './durable-look.ts';
import { HOLES_MAX, type DurableSeen, type StreamSeen } from './guard.ts';
import type { Projection } from './projection.ts';
import { addDurable, deleteDurable } from './streams.ts';

/** The stream and a durable as a guard needs them. Every call rejects when the server does not answer in time. */
export interface StreamLook {
  /** Rejects when the stream or the durable is not there. */
  look(durable: string): Promise<{ stream: StreamSeen; durable: DurableSeen }>;
  /** when the message with this sequence was stored, as the server says it; undefined: there is none */
  storedAt(seq: number): Promise<string | undefined>;
  /** the same of the first message from this sequence on */
  firstStoredAt(seq: number): Promise<string | undefined>;
  /** Deletes the durable and makes it anew from the first message stored at or after a time (epoch milliseconds), paused as it was. */
  remake(projection: Projection, fromMs: number): Promise<void>;
}

/** JetStream's own error code (nats-server errors.json) */
const NO_MESSAGE = 10037;

/**
 * Names the run of the server that has the stream, the same for all workers, wherever they are connected: in a cluster by the
 * election of the stream's leader, else by the id that a server gives itself at every start. A single copy in a cluster has
 * neither, and is known by its server's name alone.
 */
export function runOf({ cluster }: StreamInfo, info: ServerInfo | undefined): string {
  if (info?.cluster === undefined) return info?.server_id ?? '';
  return `${cluster?.leader ?? ''} ${cluster?.leader_since ?? ''}`;
}

/** `server`: what the connection knows of the server that it has now. */
export function jetStreamLook(manager: JetStreamManager, server: () => ServerInfo | undefined): StreamLook {
  const message = async (query: { seq: number; next_by_subj?: string }): Promise<string | undefined> => {
    const found = await manager.streams.getMessage(EVENTS_STREAM, query).catch((error: unknown) => {
      if (codeOf(error) === NO_MESSAGE) return null;
      throw error;
    });
    return found?.timestamp;
  };
  return {
    async look(name) {
      // in this order: a durable that lost nothing is never ahead of the stream, and what is idle after it has it all
      const before = await manager.consumers.info(EVENTS_STREAM, name);
      const info = await manager.streams.info(EVENTS_STREAM);
      const { created, state } = info;
      const holes = (state.num_deleted ?? 0) === 0 ? [] : await holesOf(manager);
      const after = await manager.consumers.info(EVENTS_STREAM, name);
      return {
        stream: {
          created,
          firstSeq: state.first_seq,
          lastSeq: state.last_seq,
          lastTime: state.last_ts,
          holes,
          server: runOf(info, server()),
        },
        durable: {
          deliveredSeq: before.delivered.stream_seq,
          ackFloorSeq: after.ack_floor.stream_seq,
          idle: after.num_pending + after.num_ack_pending === 0,
        },
      };
    },
    storedAt: async (seq) => (seq < 1 ? undefined : await message({ seq })),
    firstStoredAt: async (seq) => await message({ seq: Math.max(1, seq), next_by_subj: EVENTS_SUBJECTS }),
    async remake(projection, fromMs) {
      const before = await infoOf(manager, { stream: EVENTS_STREAM, name: projection.name });
      const pausedUntilMs = before && pausedUntilOf(before);
      await deleteDurable(manager, projection.name);
      // somebody who looks after durables may be faster, and make it from the first message on: more than is needed
      await addDurable(manager, projection.name, { fromMs }, pausedUntilMs);
    },
  };
}

async function holesOf(manager: JetStreamManager): Promise<number[]> {
  const { state } = await manager.streams.info(EVENTS_STREAM, { deleted_details: true });
  return (state.deleted ?? []).slice(-HOLES_MAX);
}

function codeOf(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}
