import type { TraceAnswer, TraceDetail } from '../../shared/contract/answers.ts';
import { QUERY_SEQS_MAX } from '../../shared/contract/internal.ts';
import { EVENT_VERSIONS } from '../../shared/core/event.ts';
import type { Event } from '../../shared/core/types.ts';
import { refuse } from '../routes/refused.ts';
import type { SessionIdentity, TracePage, TracesPage } from '../session/api.ts';
import { storeUnavailable, type Store } from './store.ts';
import { spanAnswer, traceAnswer } from './trace-answer.ts';

/** a page of 512 KiB takes two answers; a first span that is bigger than a page takes more, and what is missing then is missing */
const STORE_ROUNDS_MAX = 6;

/**
 * A page of traces whose rows the Session chose. Throws unavailable when an event of them is neither in the tail nor in the
 * archive. A trace that was purged since the Session was asked is left out.
 */
export async function readTraces(
  identity: SessionIdentity,
  page: TracesPage,
  store: Store,
  raise = EVENT_VERSIONS.raise,
): Promise<TraceAnswer[]> {
  const events = await eventsOf(
    identity,
    page.items.map(({ record }) => record.seq),
    page.events,
    store,
    raise,
  );
  return sound(() => page.items.flatMap((item) => traceAnswer(identity.sessionId, item, eventAt(events, item.record.seq)) ?? []));
}

/** A trace and a page of its spans. Throws like readTraces, and trace_not_found when it was purged since. */
export async function readTrace(
  identity: SessionIdentity,
  page: TracePage,
  store: Store,
  raise = EVENT_VERSIONS.raise,
): Promise<TraceDetail> {
  const seqs = [page.item.record.seq, ...page.spans.flatMap(({ partSeqs }) => partSeqs)];
  const events = await eventsOf(identity, seqs, page.events, store, raise);
  const trace = sound(() => traceAnswer(identity.sessionId, page.item, eventAt(events, page.item.record.seq)));
  const spans = sound(() =>
    page.spans.map((span) =>
      spanAnswer(
        span,
        span.partSeqs.map((seq) => eventAt(events, seq)),
      ),
    ),
  );
  const whole = spans.filter((span) => span !== undefined);
  if (trace === undefined || whole.length < spans.length) throw refuse('trace_not_found', 'The trace was purged just now.');
  return { ...trace, spans: whole, ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }) };
}

type Events = ReadonlyMap<number, Event>;

/** Those of the tail, and from the archive what the tail does not hold. */
async function eventsOf(
  identity: SessionIdentity,
  seqs: readonly number[],
  tail: readonly Event[],
  store: Store,
  raise: typeof EVENT_VERSIONS.raise,
): Promise<Events> {
  const events = new Map(tail.map((event) => [event.seq, event]));
  const missing = new Set(seqs.filter((seq) => !events.has(seq)));
  for (let round = 0; round < STORE_ROUNDS_MAX && missing.size > 0; round += 1) {
    const answered = await store.eventsAt(identity, [...missing].slice(0, QUERY_SEQS_MAX));
    if (answered.length === 0) break;
    for (const event of answered) {
      if (event.sessionid !== identity.sessionId || event.tenant !== identity.tenant)
        throw storeUnavailable('not of this session');
      if (missing.delete(event.seq)) events.set(event.seq, raise(event));
    }
  }
  if (missing.size > 0) throw storeUnavailable(`${missing.size} events are missing`);
  return events;
}

function eventAt(events: Events, seq: number): Event {
  const event = events.get(seq);
  if (event === undefined) throw new Error(`seq ${seq} was not read`);
  return event;
}

/** An event that is not what the Session knows it to be: the archive cannot be believed, and nothing of it is shown. */
function sound<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw storeUnavailable(String(error));
  }
}
