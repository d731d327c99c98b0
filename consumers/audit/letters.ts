import { DeliverPolicy } from '@nats-io/jetstream';
import { DEAD_LETTERS_STREAM } from '../../shared/contract/subjects.ts';
import { letterAnswer } from '../admin/letter.ts';
import type { SessionKey } from '../stores/history/port.ts';
import { readStream, type JetStream } from './read-stream.ts';

/** A dead letter of an event; `seq` as its payload says, where it can be read. */
export interface EventLetter {
  consumer: string;
  reason: string;
  seq?: number;
  /** sequence of the message in MILLRACE_EVENTS */
  streamSeq: number;
}

/** letters of one session that one consumer may have, and that are known by seq */
export type SessionLetters = readonly EventLetter[];

export interface LetterBook {
  of(session: SessionKey): SessionLetters;
}

const NONE: SessionLetters = [];

/** The dead letters there are, the newest so many: a letter accounts for what its consumer lacks. */
export async function readLetters(jetStream: JetStream, lettersMax: number): Promise<LetterBook> {
  const { state } = await jetStream.manager.streams.info(DEAD_LETTERS_STREAM);
  const bySession = new Map<string, EventLetter[]>();
  const from = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, state.last_seq - lettersMax + 1) };
  if (state.messages > 0) {
    await readStream(jetStream, DEAD_LETTERS_STREAM, from, (message) => {
      const headers = (message.headers?.keys() ?? []).flatMap((name) =>
        (message.headers?.values(name) ?? []).map((value) => [name, value] as const),
      );
      const { seq: position, subject, data, time } = message;
      const said = letterAnswer({ position, subject, atMs: time.getTime(), headers, data, bytes: data.length });
      const { tenant, sessionId, consumer, reason, seq, streamSeq } = said;
      if (tenant === undefined || sessionId === undefined || !said.subject.startsWith('millrace.events.')) return;
      const name = keyOf({ tenant, sessionId });
      const letters = bySession.get(name) ?? [];
      bySession.set(name, letters);
      letters.push({ consumer, reason, streamSeq, ...(seq === undefined ? {} : { seq }) });
    });
  }
  return { of: (session) => bySession.get(keyOf(session)) ?? NONE };
}

function keyOf({ tenant, sessionId }: SessionKey): string {
  return `${tenant} ${sessionId}`;
}
