import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, type MsgRequest } from '@nats-io/jetstream';
import { millis } from '@nats-io/transport-node';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import type { EventStream } from './in-stream.ts';

/** `durable`: what feeds the archive. */
export function jetStreamEventStream(manager: JetStreamManager, durable: string): EventStream {
  return {
    async state() {
      const { created, config, state } = await manager.streams.info(EVENTS_STREAM);
      const ackFloor = await ackFloorOf(manager, durable);
      return { created, lastSeq: state.last_seq, duplicateWindowMs: millis(config.duplicate_window), ackFloor };
    },
    async next(subject, fromSeq) {
      // the leader's answer, unlike a direct get, which may come from a replica that is behind; the client's type knows this
      // form of the request for direct gets alone
      const query: MsgRequest & { next_by_subj: string } = { seq: fromSeq, next_by_subj: subject };
      const message = await manager.streams.getMessage(EVENTS_STREAM, query);
      return message === null ? undefined : { seq: message.seq, id: message.header.get('Nats-Msg-Id') };
    },
  };
}

async function ackFloorOf(manager: JetStreamManager, durable: string): Promise<number> {
  try {
    return (await manager.consumers.info(EVENTS_STREAM, durable)).ack_floor.stream_seq;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return 0;
    throw error;
  }
}
