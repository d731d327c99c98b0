import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rowOf } from '../../consumers/projections/analytics.ts';
import { answerOf } from '../../consumers/stores/analytics/answer.ts';
import type { AnalyticsStore, EventRow, LetterRow, ReceiptRow, Span } from '../../consumers/stores/analytics/port.ts';
import {
  ANALYTICS_QUERIES,
  ANALYTICS_STEPS,
  ANALYTICS_STEPS_MS,
  type AnalyticsPoint,
  type AnalyticsQuery,
  type Percentiles,
} from '../../shared/contract/analytics.ts';
import { EVENT_TYPES } from '../../shared/contract/event-schema.ts';
import type { EventType } from '../../shared/core/types.ts';
import { percentilesOf } from '../support/percentiles.ts';
import { shuffled } from '../support/shuffled.ts';
import { anEvent } from './events.ts';

/** What every adapter of the analytics store keeps: run once per adapter. */

const RUNS = Number(process.env['FC_RUNS'] ?? 25);
const SEED = process.env['FC_SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['FC_SEED']);
/** a midnight, so that minutes, hours and days all begin at it */
const FROM_MS = Date.UTC(2026, 0, 1);
const POINTS = 4;

interface Written {
  events: EventRow[];
  receipts: ReceiptRow[];
  letters: LetterRow[];
}

/** Rows of one tenant around the span, inside and outside of it, with several receipts of a seq. */
function written(tenant: string, stepMs: number): fc.Arbitrary<Written> {
  const time = fc.integer({ min: FROM_MS - stepMs, max: FROM_MS + (POINTS + 1) * stepMs });
  const event = fc.record({
    type: fc.constantFrom<EventType>(...EVENT_TYPES, 'message.created', 'message.created', 'trace.finished'),
    sessionId: fc.constantFrom('s1', 's2'),
    actor: fc.constantFrom('alice', 'bob', 'carol'),
    at: time,
    status: fc.constantFrom<'completed' | 'failed' | 'cancelled'>('completed', 'failed', 'cancelled'),
    durationMs: fc.nat({ max: 9_999 }),
    isStream: fc.boolean(),
  });
  const receipt = fc.record({ of: fc.nat({ max: 59 }), published: fc.nat({ max: 5_000 }), persisted: fc.nat({ max: 90_000 }) });
  const letter = fc.record({
    consumer: fc.constantFrom('history', 'search'),
    reason: fc.constantFrom('unparsable', 'x'),
    at: time,
  });
  return fc
    .tuple(
      fc.array(event, { minLength: 1, maxLength: 60 }),
      fc.array(receipt, { maxLength: 80 }),
      fc.array(letter, { maxLength: 20 }),
    )
    .map(([drawn, receipts, letters]) => {
      const events = drawn.map(({ type, sessionId, actor, at, status, durationMs, isStream }, index): EventRow => {
        const row = rowOf(anEvent(type, { seq: index + 1, tenant, sessionId }));
        const { ended: _ended, ...plain } = row;
        const kind = type === 'trace.finished' ? 'trace' : type === 'message.created' && isStream ? 'stream' : undefined;
        const end = kind === 'trace' && status === 'cancelled' ? 'failed' : status;
        const ended = kind === undefined ? {} : { ended: { kind, status: end, durationMs } as const };
        return { ...plain, actor, acceptedAtMs: at, ...ended };
      });
      return {
        events,
        receipts: receipts.flatMap(({ of, published, persisted }) => {
          const about = events[of % events.length];
          if (about === undefined) return [];
          const { sessionId, seq, acceptedAtMs } = about;
          const publishedAtMs = acceptedAtMs + published - 500;
          return { tenant, sessionId, seqs: [[seq, seq]], publishedAtMs, persistedAtMs: publishedAtMs + persisted };
        }),
        letters: letters.map(({ at, ...kind }, index) => ({ id: `letter-${index}`, tenant, atMs: at, ...kind })),
      };
    });
}

/** The figures in the most naive form: a loop per step. */
function naive(query: AnalyticsQuery, { events, receipts, letters }: Written, { fromMs, step, points }: Span): AnalyticsPoint[] {
  return Array.from({ length: points }, (_none, index): AnalyticsPoint => {
    const [from, to] = [fromMs + index * ANALYTICS_STEPS_MS[step], fromMs + (index + 1) * ANALYTICS_STEPS_MS[step]];
    const at = new Date(from).toISOString();
    const here = events.filter(({ acceptedAtMs }) => acceptedAtMs >= from && acceptedAtMs < to);
    const lettersHere = letters.filter(({ atMs }) => atMs >= from && atMs < to);
    const ends = (kind: string) => here.flatMap(({ ended }) => (ended?.kind === kind ? [ended] : []));
    const ended = (kind: string, status: string): number => ends(kind).filter((end) => end.status === status).length;
    const durations = (kind: string): Percentiles => percentilesOf(ends(kind).map(({ durationMs }) => durationMs));
    switch (query) {
      case 'messages':
        return { at, messages: here.filter(({ type }) => type === 'message.created').length };
      case 'active-users':
        return { at, users: new Set(here.map(({ actor }) => actor)).size };
      case 'sessions': {
        const created = here.filter(({ type }) => type === 'session.created').length;
        return { at, created, active: new Set(here.map(({ sessionId }) => sessionId)).size };
      }
      case 'latency': {
        const measured = here.flatMap(({ sessionId, seq, acceptedAtMs }) => {
          const own = receipts.filter((each) => each.sessionId === sessionId && each.seqs[0]?.[0] === seq);
          if (own.length === 0) return [];
          const earliest = (times: number[]): number => Math.max(0, Math.min(...times) - acceptedAtMs);
          return {
            published: earliest(own.map(({ publishedAtMs }) => publishedAtMs)),
            persisted: earliest(own.map(({ persistedAtMs }) => persistedAtMs)),
          };
        });
        const [publishedMs, persistedMs] = [
          percentilesOf(measured.map(({ published }) => published)),
          percentilesOf(measured.map(({ persisted }) => persisted)),
        ];
        return { at, events: measured.length, publishedMs, persistedMs };
      }
      case 'streams': {
        const [completed, cancelled, failed] = ['completed', 'cancelled', 'failed'].map((each) => ended('stream', each));
        return { at, completed, cancelled, failed, durationMs: durations('stream') } as AnalyticsPoint<'streams'>;
      }
      case 'traces': {
        const [completed, failed] = [ended('trace', 'completed'), ended('trace', 'failed')];
        return { at, completed, failed, durationMs: durations('trace') };
      }
      case 'errors': {
        const [failedStreams, failedTraces] = [ended('stream', 'failed'), ended('trace', 'failed')];
        return { at, failedStreams, failedTraces, deadLetters: lettersHere.length };
      }
      case 'dead-letters': {
        const kinds = ['history unparsable', 'history x', 'search unparsable', 'search x'];
        const counted = kinds.map((kind) => {
          const [consumer = '', reason = ''] = kind.split(' ');
          return { consumer, reason, letters: lettersHere.filter((each) => `${each.consumer} ${each.reason}` === kind).length };
        });
        return { at, letters: counted.filter(({ letters: count }) => count > 0) };
      }
    }
  });
}

/** `make` answers one store for the whole suite; each run has a tenant of its own in it. */
export function analyticsStoreContract(name: string, make: () => Promise<AnalyticsStore>): void {
  describe(`analytics store: ${name}`, () => {
    let store: AnalyticsStore;
    beforeAll(async () => {
      store = await make();
    });
    afterAll(async () => {
      await store.close();
      console.info(`analytics store ${name}: FC_SEED=${SEED}`);
    });

    it.each(ANALYTICS_STEPS)(
      'P1 figures per %s are those of a naive count, in any order and after any repetition',
      { timeout: 180_000 },
      async (step) => {
        let round = 0;
        const stepMs = ANALYTICS_STEPS_MS[step];
        const prefix = `${name.toLowerCase().replaceAll(/[^a-z]/g, '')}-${step}`;
        const property = fc.asyncProperty(
          written('later', stepMs),
          fc.infiniteStream(fc.nat({ max: 2 ** 30 })),
          async (drawn, luck) => {
            const tenant = `${prefix}-${(round += 1)}`;
            const [events, receipts, letters] = [drawn.events, drawn.receipts, drawn.letters].map((rows) =>
              rows.map((row) => ({ ...row, tenant })),
            ) as [EventRow[], ReceiptRow[], LetterRow[]];
            await write(store, { events, receipts, letters }, luck);
            const span: Span = { tenant, fromMs: FROM_MS, step, points: POINTS };
            for (const query of ANALYTICS_QUERIES) {
              expect(await answerOf(store, query, span), query).toEqual(naive(query, { events, receipts, letters }, span));
            }
          },
        );
        await fc.assert(property, { numRuns: RUNS, seed: SEED });
      },
    );

    it('P1 an event that was erased in between changes no figure, whichever came first', async () => {
      const tenant = `${name.toLowerCase().replaceAll(/[^a-z]/g, '')}-erased`;
      const wholes = [1, 2].map((seq): EventRow => {
        const row = rowOf(anEvent('message.created', { seq, tenant }));
        return { ...row, acceptedAtMs: FROM_MS, ended: { kind: 'stream', status: 'failed', durationMs: 70 } };
      });
      const erased = wholes.map(({ ended: _ended, ...row }): EventRow => row);
      await store.writeEvents([...wholes.slice(0, 1), ...erased.slice(1)]);
      await store.writeEvents([...erased.slice(0, 1), ...wholes.slice(1)]);
      const span: Span = { tenant, fromMs: FROM_MS, step: 'minute', points: 1 };
      expect(await answerOf(store, 'streams', span)).toMatchObject([{ failed: 2, durationMs: { p50: 70 } }]);
      expect(await answerOf(store, 'messages', span)).toMatchObject([{ messages: 2 }]);
    });

    it('takes a receipt of many seqs, and says which events it has', async () => {
      const tenant = `${name.toLowerCase().replaceAll(/[^a-z]/g, '')}-many`;
      const rows = Array.from({ length: 3 }, (_none, index) => ({
        ...rowOf(anEvent('message.created', { seq: index * 10_000 + 1, tenant })),
        acceptedAtMs: FROM_MS,
      }));
      await store.writeEvents(rows);
      await store.writeReceipts([
        {
          tenant,
          sessionId: 's1',
          seqs: [
            [1, 12_000],
            [20_001, 20_001],
          ],
          publishedAtMs: FROM_MS + 7,
          persistedAtMs: FROM_MS + 9,
        },
      ]);
      const [point] = await answerOf(store, 'latency', { tenant, fromMs: FROM_MS, step: 'minute', points: 1 });
      expect(point).toMatchObject({ events: 3, publishedMs: { p99: 7 }, persistedMs: { p50: 9 } });
      await store.writeEvents(rows.slice(1));
      const held = await store.heldEvents({ tenant, sessionId: 's1' }, 2, 20_001);
      expect(held).toEqual(rows.slice(1).map(({ seq, eventId, type }) => ({ seq, eventId, type })));
    });

    it('is well', async () => {
      await expect(store.health()).resolves.toBeUndefined();
    });
  });
}

/** In some order and in some cuts, and some of it again. */
async function write(store: AnalyticsStore, { events, receipts, letters }: Written, luck: fc.Stream<number>): Promise<void> {
  const next = (below: number): number => (luck.next().value ?? 0) % below;
  const parts: (() => Promise<void>)[] = [
    ...cuts(events, next).map((rows) => async () => await store.writeEvents(rows)),
    ...cuts(receipts, next).map((rows) => async () => await store.writeReceipts(rows)),
    ...cuts(letters, next).map((rows) => async () => await store.writeLetters(rows)),
  ];
  const again = parts.filter(() => next(2) === 0);
  for (const part of shuffled([...parts, ...again], () => next(2 ** 30))) await part();
}

function cuts<T>(rows: readonly T[], next: (below: number) => number): T[][] {
  const mixed = shuffled(rows, () => next(2 ** 30));
  const parts: T[][] = [];
  while (mixed.length > 0) parts.push(mixed.splice(0, 1 + next(20)));
  return parts;
}
