import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../../../client/error.ts';
import { GAP_EVENTS_MAX } from '../../../../client/net/bounds.ts';
import { Feed } from '../../../../client/net/feed.ts';
import type { Event, EventsPage, Welcome } from '../../../../client/wire.ts';
import { settle } from '../simulator/clock.ts';

const event = (seq: number): Event => ({ seq, id: `e${seq}` }) as Event;
const range = (from: number, to: number): Event[] => Array.from({ length: to - from + 1 }, (_, at) => event(from + at));

interface Told {
  seqs: number[];
  starts: number;
  received: number[];
  problems: string[];
  asked: string[];
}

function newFeed(options: {
  from?: { after: number; epoch?: string };
  page?: (query: string) => Promise<EventsPage>;
  everyEvent?: boolean;
}): { feed: Feed; told: Told } {
  const told: Told = { seqs: [], starts: 0, received: [], problems: [], asked: [] };
  const feed = new Feed(
    {
      page: (query) => {
        told.asked.push(query);
        return options.page?.(query) ?? Promise.reject(new MillraceError('unavailable', 'no', { status: 503 }));
      },
      deliver: (events) => void told.seqs.push(...events.map(({ seq }) => seq)),
      startOver: () => (told.starts += 1),
      caughtUp: () => {},
      received: (seq) => void told.received.push(seq),
      resume: ({ code }) => void told.problems.push(`resume ${code}`),
      end: ({ code }) => void told.problems.push(`end ${code}`),
      wantsEveryEvent: () => options.everyEvent === true,
    },
    options.from,
  );
  return { feed, told };
}

const welcome = (from: number, head: number, more: Partial<Welcome> = {}): Welcome =>
  ({ epoch: 'one', head, from, recovered: true, window: { events: 8, bytes: 4_000 }, ...more }) as Welcome;

/** Pages of at most `size` events of a log of `head` events. */
const pages =
  (head: number, size: number) =>
  (query: string): Promise<EventsPage> => {
    const after = Number(new URLSearchParams(query).get('after'));
    return Promise.resolve({ items: range(after + 1, Math.min(head, after + size)), head, epoch: 'one' });
  };

describe('the feed', () => {
  it('starts from the head, and names its place ever after', () => {
    const { feed, told } = newFeed({});
    expect(feed.query).toBe('');
    feed.welcome(welcome(6, 5));
    feed.events(range(6, 7), 10);
    expect([told.seqs, told.starts, feed.query]).toEqual([[6, 7], 1, '?after=7&epoch=one']);
  });

  it('drops what it has, and resumes when something is left out', () => {
    const { feed, told } = newFeed({ from: { after: 3, epoch: 'one' } });
    feed.welcome(welcome(4, 4));
    feed.events(range(2, 5), 10);
    feed.events(range(7, 8), 10);
    expect([told.seqs, told.problems]).toEqual([[4, 5], ['resume protocol']]);
  });

  it('reads a gap over HTTP while what the socket brings waits', async () => {
    const { feed, told } = newFeed({ from: { after: 2, epoch: 'one' }, page: pages(9, 3) });
    feed.welcome(welcome(10, 9, { recovered: false }));
    feed.events(range(10, 11), 10);
    expect(told.seqs).toEqual([]);
    await settle();
    expect([told.seqs, told.starts]).toEqual([[3, 4, 5, 6, 7, 8, 9, 10, 11], 0]);
  });

  it.each([
    ['another epoch', { after: 2, epoch: 'two' }, 9],
    ['a head below the cursor', { after: 20, epoch: 'one' }, 9],
    ['a gap too long to read', { after: 0, epoch: 'one' }, GAP_EVENTS_MAX + 1],
  ])('starts over for %s', (_why, from, head) => {
    const { feed, told } = newFeed({ from });
    feed.welcome(welcome(head + 1, head, { recovered: false }));
    feed.events([event(head + 1)], 10);
    expect([told.starts, told.seqs]).toEqual([1, [head + 1]]);
  });

  it('reads a gap of any length for who takes every event', async () => {
    const head = GAP_EVENTS_MAX + 1;
    const { feed, told } = newFeed({ from: { after: 0, epoch: 'one' }, page: pages(head, 1_000), everyEvent: true });
    feed.welcome(welcome(head + 1, head, { recovered: false }));
    await settle();
    expect([told.seqs.length, told.starts, told.asked.length]).toEqual([head, 0, 6]);
  });

  it.each([
    ['unavailable', 503, 'resume unavailable'],
    ['epoch_changed', 409, 'resume epoch_changed'],
    ['session_not_found', 404, 'end session_not_found'],
  ] as const)('answers %s of a catch-up page', async (code, status, expected) => {
    const page = (): Promise<EventsPage> => Promise.reject(new MillraceError(code, 'no', { status }));
    const { feed, told } = newFeed({ from: { after: 2, epoch: 'one' }, page });
    feed.welcome(welcome(10, 9, { recovered: false }));
    await settle();
    expect([told.problems, feed.query === '']).toEqual([[expected], code === 'epoch_changed']);
  });

  it('acknowledges at a quarter of the window, in events or bytes', () => {
    const { feed, told } = newFeed({});
    feed.welcome(welcome(1, 0));
    feed.events([event(1)], 10);
    expect(told.received).toEqual([]);
    feed.events([event(2)], 10);
    expect(told.received).toEqual([2]);
    feed.events([event(3)], 1_000);
    expect(told.received).toEqual([2, 3]);
  });

  it('hands out a contiguous run whatever comes: cuts, repetitions, gaps, pages of any size', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('events' as const), from: fc.nat(30), size: fc.nat(6) }),
      fc.record({ kind: fc.constant('cut' as const), tail: fc.nat(12), size: fc.nat(6) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 7 }), async (steps, pageSize) => {
        const head = 40;
        const { feed, told } = newFeed({ from: { after: 0, epoch: 'one' }, page: pages(head, pageSize) });
        for (const each of steps) {
          if (each.kind === 'events') feed.events(range(each.from, each.from + each.size), 1);
          else {
            feed.disconnected();
            // a tail that may or may not reach back to the cursor
            const recovered = feed.cursor >= head - each.tail;
            feed.welcome(welcome(recovered ? feed.cursor + 1 : head + 1, head, { recovered }));
            if (each.size % 2 === 0) await settle();
          }
        }
        await settle();
        expect(told.seqs).toEqual(told.seqs.map((_, at) => at + 1));
      }),
    );
  });
});
