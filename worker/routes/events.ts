import { EVENTS_PAGE_DEFAULT, EVENTS_PAGE_MAX, SEQ_MAX } from '../../shared/core/limits.ts';
import type { Event } from '../../shared/core/types.ts';
import { readEvents } from '../queries/events.ts';
import { openLiveEvents, type LiveEvents, type LivePlace } from '../queries/live-events.ts';
import { storeBehind } from '../queries/store.ts';
import type { EventsQuery, SessionIdentity } from '../session/api.ts';
import { following } from '../uplink/following.ts';
import { uplinkOf } from '../uplink/pool.ts';
import type { AppContext, Caller } from './context.ts';
import { EVENT_STREAM, eventStream } from './event-stream.ts';
import { afterSeq, epochOf, wholeNumber } from './query-params.ts';
import type { Params, Route } from './route.ts';
import { askSession } from './sessions.ts';

const WAIT_MS_MAX = 30_000;

/** GET …/events (contract §2): a page, a long poll or server-sent events. The two that wait end here, in the Worker. */
export const eventsRoutes: Route[] = [{ method: 'GET', path: '/v1/sessions/{s}/events', access: 'caller', handle: events }];

export interface EventsAnswer {
  items: Event[];
  head: number;
  epoch: string;
}

/** What reading one session's events takes; the page and the stream read alike. */
export interface EventsReader {
  caller: Caller;
  page(asked: EventsQuery): Promise<EventsAnswer>;
  live(place: LivePlace): Promise<LiveEvents>;
}

async function events(c: AppContext, params: Params, caller: Caller): Promise<Response> {
  const identity = { tenant: caller.tenant, sessionId: params['s'] ?? '' };
  const search = new URL(c.req.url).searchParams;
  const waitMs = wholeNumber(search, 'wait', { min: 0, max: WAIT_MS_MAX, absent: 0 });
  const epoch = epochOf(search);
  const signals = wholeNumber(search, 'signals', { min: 0, max: 1, absent: 0 }) === 1;
  const isStream = accepts(c.req.header('Accept'), EVENT_STREAM);
  const asked: EventsQuery = {
    after: (isStream ? lastEventId(c) : undefined) ?? afterSeq(search),
    limit: wholeNumber(search, 'limit', { min: 1, max: EVENTS_PAGE_MAX, absent: EVENTS_PAGE_DEFAULT }),
    ...(epoch === undefined ? {} : { epoch }),
  };
  const reader = readerOf(c, identity, caller);
  if (isStream) return eventStream(reader, asked, { signals, headersOnly: c.req.raw.method === 'HEAD' });
  return c.json(await longPoll(reader, asked, waitMs));
}

/** Answers at once what is there, else as soon as something is, or empty-handed when the time is up. */
async function longPoll(reader: EventsReader, asked: EventsQuery, waitMs: number): Promise<EventsAnswer> {
  const deadlineMs = Math.min(Date.now() + waitMs, reader.caller.tokenExpiresAtMs);
  const page = await reader.page(asked);
  const leftMs = deadlineMs - Date.now();
  if (page.items.length > 0 || waitMs === 0 || leftMs <= 0) return page;
  const live = await reader.live({ after: asked.after, epoch: page.epoch });
  try {
    if (await live.recovered(leftMs)) {
      const item = await live.next(deadlineMs - Date.now());
      if (item.kind === 'idle') return page;
    }
  } finally {
    live.close();
  }
  // the rights are asked again: a close may have been a removal
  return reader.page(asked);
}

function readerOf(c: AppContext, identity: SessionIdentity, caller: Caller): EventsReader {
  const store = storeBehind(following(uplinkOf(c.env, identity.tenant, identity.sessionId), c.var.traceparent));
  const who = { caller, correlationId: c.var.correlationId };
  return {
    caller,
    async page(asked) {
      // reading twice does no harm
      const page = await askSession(c.env, identity, true, (session) => session.events(identity, caller.actor, asked));
      return { items: await readEvents(identity, page, asked.limit, store), head: page.head, epoch: page.epoch };
    },
    live: (place) => openLiveEvents(c.env, identity, who, place),
  };
}

function accepts(header: string | undefined, mediaType: string): boolean {
  return (header ?? '').split(',').some((range) => range.split(';')[0]?.trim().toLowerCase() === mediaType);
}

/** `Last-Event-ID` is the seq where a reader goes on; it wins over `after`, which a browser repeats from its first address. */
function lastEventId(c: AppContext): number | undefined {
  const given = c.req.header('Last-Event-ID');
  if (given === undefined || given === '') return undefined;
  return wholeNumber(new URLSearchParams({ 'Last-Event-ID': given }), 'Last-Event-ID', { min: 0, max: SEQ_MAX, absent: 0 });
}
