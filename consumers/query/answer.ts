import { queryRequest, type QueryAnswer, type QueryRequest } from '../../shared/contract/internal.ts';
import { PAGE_BYTES_MAX } from '../../shared/core/limits.ts';
import { countOf } from '../../shared/core/seq-ranges.ts';
import { within } from '../runtime/backoff.ts';
import { describe } from '../runtime/log.ts';
import type { Time } from '../runtime/time.ts';
import type { HistoryStore } from '../stores/history/port.ts';
import { lookInStream, type Looking } from './in-stream.ts';

/** seqs looked for in one question of the repair */
const HELD_SEQS_MAX = 100_000;

/** within what the responder gives any answer */
const LOOK_MS_MAX = 1_800;

export type Parsed = { ok: true; request: QueryRequest } | { ok: false; answer: QueryAnswer };

export function parseQuestion(bytes: Uint8Array): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return invalid('not JSON');
  }
  const parsed = queryRequest.safeParse(value);
  if (!parsed.success) return invalid('not a question of this version');
  const request = parsed.data;
  if (request.op === 'held' && countOf(request.ranges) > HELD_SEQS_MAX) return invalid(`at most ${HELD_SEQS_MAX} seqs`);
  return { ok: true, request };
}

/** The same, from the bytes of a question on. */
export async function answerHistory(answering: Answering, question: Uint8Array, replyBytesMax: number): Promise<QueryAnswer> {
  const parsed = parseQuestion(question);
  return parsed.ok ? await answerQuestion(answering, parsed.request, replyBytesMax) : parsed.answer;
}

export interface Answering {
  store: HistoryStore;
  /** the stream and the dead letters; absent: questions about them are `unavailable` */
  stream?: Pick<Looking, 'stream' | 'deadLettersOf'>;
  time: Time;
  /** is there what brings events into the store? Bounded, and never rejects. */
  isFed: () => Promise<boolean>;
}

/**
 * The answer, of at most replyBytesMax of rows: fewer rows than asked means ask again for the rest, none means there are none.
 * Rejects when the store does.
 */
export async function answerQuestion(
  { store, isFed, stream, time }: Answering,
  request: QueryRequest,
  replyBytesMax: number,
): Promise<QueryAnswer> {
  switch (request.op) {
    case 'health':
      await store.health();
      if (!(await isFed())) return { ok: false, code: 'unavailable', detail: 'nothing feeds the store' };
      return { ok: true, op: 'health' };
    case 'events': {
      const events = await store.readEvents(request, request.from, request.to, Math.min(request.maxBytes, replyBytesMax));
      return { ok: true, op: 'events', events };
    }
    case 'eventsAt': {
      const events = await store.readEventsAt(request, request.seqs, Math.min(PAGE_BYTES_MAX, replyBytesMax));
      return { ok: true, op: 'eventsAt', events };
    }
    case 'messages': {
      const messages = await store.readMessages(request, request.seqs, Math.min(PAGE_BYTES_MAX, replyBytesMax));
      return { ok: true, op: 'messages', messages };
    }
    case 'held': {
      const { ranges, publishedAt, persistedAt } = await store.heldRanges(request, request.ranges);
      return { ok: true, op: 'held', ranges: ranges.map(([from, to]) => [from, to]), publishedAt, persistedAt };
    }
    case 'inStream':
      if (stream === undefined) return { ok: false, code: 'unavailable', detail: 'the stream cannot be read from here' };
      try {
        return await within(LOOK_MS_MAX, 'looking in the stream', lookInStream({ store, time, ...stream }, request), time);
      } catch (error) {
        // no client sees it, and the store can be read all the same
        return { ok: false, code: 'unavailable', detail: describe(error) };
      }
  }
}

function invalid(detail: string): Parsed {
  return { ok: false, answer: { ok: false, code: 'invalid_request', detail } };
}
