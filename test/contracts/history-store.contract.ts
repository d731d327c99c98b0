import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowsOf } from '../../consumers/projections/history.ts';
import type { HistoryStore, HistoryWrite, SessionKey } from '../../consumers/stores/history/port.ts';
import { eventOf, messageOf } from '../../consumers/stores/history/rows.ts';
import { ERASED_DATA, ERASED_MESSAGE_CELLS, type CellsOf, type CellValue } from '../../consumers/stores/history/tables.ts';
import type { StoredMessage } from '../../shared/contract/internal.ts';
import { rangesOf } from '../../shared/core/seq-ranges.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent, CLOCK_BASE, conversation } from './events.ts';

/** What every adapter of the history store keeps: run once per adapter. `make` gives an empty store each time. */

const RUNS = Number(process.env['FC_RUNS'] ?? 40);
/** fast-check prints the seed of a failure; FC_SEED plays it again */
const SEED = process.env['FC_SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['FC_SEED']);
const ALL_BYTES = 1024 ** 3;

export interface MadeStore {
  store: HistoryStore;
  dispose(): Promise<void>;
}

/** The rules of the port in the most naive form: every write kept, and read by the rules. */
class Model {
  readonly #writes: HistoryWrite[] = [];

  write(batch: readonly HistoryWrite[]): void {
    this.#writes.push(...batch);
  }

  events(session: SessionKey): Event[] {
    return this.#rows('events', session).flatMap(([, cells]) => eventOf(cells as CellsOf<'events'>) ?? []);
  }

  messages(session: SessionKey): StoredMessage[] {
    return this.#rows('messages', session).flatMap(([seq, cells]) => messageOf(seq, cells as CellsOf<'messages'>) ?? []);
  }

  #rows(table: 'events' | 'messages', session: SessionKey): [number, Record<string, CellValue>][] {
    const erased: Record<string, CellValue> = table === 'events' ? { data: ERASED_DATA } : ERASED_MESSAGE_CELLS;
    const won = new Map<string, { seq: number; cell: string; value: CellValue; clock: bigint }>();
    const put = (seq: number, cell: string, value: CellValue, clock: bigint): void => {
      const before = won.get(`${seq} ${cell}`);
      if (before !== undefined && (before.clock > clock || (before.clock === clock && before.value >= value))) return;
      won.set(`${seq} ${cell}`, { seq, cell, value, clock });
    };
    const seqs = new Set<number>();
    for (const write of this.#writes) {
      if (write.kind !== 'row' || write.table !== table || !('seq' in write.key) || !isOf(write.key, session)) continue;
      seqs.add(write.key.seq);
      for (const [cell, value] of Object.entries(write.cells)) put(write.key.seq, cell, value, write.clock);
    }
    for (const write of this.#writes) {
      if (write.kind !== 'eraseSession' || !isOf(write, session)) continue;
      for (const seq of seqs) {
        if (seq < write.belowSeq) for (const [cell, value] of Object.entries(erased)) put(seq, cell, value, write.clock);
      }
    }
    return [...seqs]
      .toSorted((a, b) => a - b)
      .map((seq) => [
        seq,
        Object.fromEntries([...won.values()].filter((each) => each.seq === seq).map(({ cell, value }) => [cell, value])),
      ]);
  }
}

function isOf(key: SessionKey, session: SessionKey): boolean {
  return key.tenant === session.tenant && key.sessionId === session.sessionId;
}

const SESSION: SessionKey = { tenant: 'default', sessionId: 's1' };
const writesOf = (event: Event): HistoryWrite[] =>
  rowsOf(event, { publishedAtMs: 5_000 + event.seq, persistedAtMs: 9_000 + event.seq });

export function historyStoreContract(name: string, make: () => Promise<MadeStore>): void {
  describe(`history store: ${name}`, () => {
    let made: MadeStore;
    beforeEach(async () => {
      made = await make();
    });
    afterEach(async () => await made.dispose());
    afterAll(() => console.info(`history store ${name}: FC_SEED=${SEED}`));

    it('P1 P2 every order and repetition of a batch ends as the model says', { timeout: 120_000 }, async () => {
      let round = 0;
      await fc.assert(
        fc.asyncProperty(
          conversation(),
          fc.array(fc.nat({ max: 10_000 }), { minLength: 60, maxLength: 60 }),
          async (events, luck) => {
            // a session of its own per run: the store is made once
            const session = { tenant: 'default', sessionId: `run-${(round += 1)}` };
            const own = events.map((event): Event => ({
              ...event,
              sessionid: session.sessionId,
              source: `/sessions/${session.sessionId}`,
            }));
            const model = new Model();
            for (const batch of shuffledAndRepeated(own, luck)) {
              const writes = batch.flatMap(writesOf);
              model.write(writes);
              await made.store.write(writes);
            }
            expect(await made.store.readEvents(session, 1, 1_000, ALL_BYTES)).toEqual(model.events(session));
            const seqs = own.map(({ seq }) => seq);
            expect(await made.store.readMessages(session, seqs, ALL_BYTES)).toEqual(model.messages(session));
            expect((await made.store.heldRanges(session, [[1, 1_000]])).ranges).toEqual(rangesOf(seqs));
          },
        ),
        { numRuns: RUNS, seed: SEED },
      );
    });

    it('reads an event as it was sent, unknown fields and all', async () => {
      const event = { ...anEvent('message.created', { seq: 3 }), comexampleadded: 'later' } as Event;
      await made.store.write(writesOf(event));
      expect(await made.store.readEvents(SESSION, 1, 10, ALL_BYTES)).toEqual([event]);
    });

    it('of two edits the later by clock wins, in any order', async () => {
      const edits = [2, 3].map((seq) => anEvent('message.updated', { seq, data: { messageSeq: 1, text: `edit ${seq}` } }));
      for (const order of [edits, edits.toReversed()]) {
        await made.store.write(order.flatMap(writesOf));
        await made.store.write(writesOf(anEvent('message.created', { seq: 1 })));
        expect(await made.store.readMessages(SESSION, [1], ALL_BYTES)).toMatchObject([
          { text: 'edit 3', version: `${CLOCK_BASE + 3n}` },
        ]);
      }
    });

    it('an edit alone makes no message', async () => {
      await made.store.write(writesOf(anEvent('message.updated', { seq: 2, data: { messageSeq: 1, text: 'early' } })));
      expect(await made.store.readMessages(SESSION, [1, 2], ALL_BYTES)).toEqual([]);
    });

    it('a deletion erases what it covers, also what comes after it', async () => {
      const created = anEvent('message.created', { seq: 1, data: { text: 'secret one', metadata: { secret: 1 } } });
      const updated = anEvent('message.updated', { seq: 2, data: { messageSeq: 1, text: 'secret two' } });
      const deleted = anEvent('message.deleted', { seq: 3, data: { messageSeq: 1, updatedSeqs: [2] } });
      await made.store.write(writesOf(deleted));
      expect(await made.store.readEvents(SESSION, 1, 9, ALL_BYTES)).toEqual([deleted]);
      await made.store.write([...writesOf(updated), ...writesOf(created)]);
      const events = await made.store.readEvents(SESSION, 1, 9, ALL_BYTES);
      expect(events.map(({ data }) => data)).toEqual([{ id: 'm1', erased: true }, { id: 'm1', erased: true }, deleted.data]);
      const messages = await made.store.readMessages(SESSION, [1], ALL_BYTES);
      expect(messages).toMatchObject([{ text: '', mentions: [], metadata: {}, deletedAt: deleted.time }]);
      expect(JSON.stringify([events, messages])).not.toContain('secret');
    });

    it('the deletion of a session erases all below it, also what comes after it', async () => {
      const early = [anEvent('session.created', { seq: 1 }), anEvent('message.created', { seq: 2, data: { text: 'secret' } })];
      const late = anEvent('message.created', { seq: 3, data: { text: 'secret too', metadata: { secret: 1 } } });
      const deleted = anEvent('session.deleted', { seq: 4 });
      await made.store.write(early.flatMap(writesOf));
      await made.store.write(writesOf(deleted));
      await made.store.write(writesOf(late));
      const events = await made.store.readEvents(SESSION, 1, 9, ALL_BYTES);
      expect(events.map(({ data }) => data)).toEqual([
        { id: 's1', erased: true },
        { id: 'm1', erased: true },
        { id: 'm1', erased: true },
        {},
      ]);
      expect(JSON.stringify(await made.store.readMessages(SESSION, [2, 3], ALL_BYTES))).not.toContain('secret');
    });

    it('cuts answers by bytes, but gives at least one row', async () => {
      const events = [1, 2, 3].map((seq) => anEvent('message.created', { seq, data: { text: 'x'.repeat(1_000) } }));
      await made.store.write(events.flatMap(writesOf));
      expect(await made.store.readEvents(SESSION, 1, 3, 10)).toEqual(events.slice(0, 1));
      expect(await made.store.readEvents(SESSION, 2, 3, 4_000)).toEqual(events.slice(1, 3));
      expect((await made.store.readMessages(SESSION, [3, 1, 2], 2_700)).map(({ seq }) => seq)).toEqual([3, 1]);
    });

    it('keeps tenants and sessions apart', async () => {
      await made.store.write(writesOf(anEvent('message.created', { seq: 1 })));
      expect(await made.store.readEvents({ ...SESSION, tenant: 'other' }, 1, 9, ALL_BYTES)).toEqual([]);
      expect(await made.store.readMessages({ ...SESSION, sessionId: 's2' }, [1], ALL_BYTES)).toEqual([]);
    });

    it('says what it holds, and when', async () => {
      expect(await made.store.heldRanges(SESSION, [[1, 9]])).toEqual({ ranges: [], publishedAt: 0, persistedAt: 0 });
      await made.store.write([1, 2, 1_000, 5].flatMap((seq) => writesOf(anEvent('message.created', { seq }))));
      const held = await made.store.heldRanges(SESSION, [
        [1, 4],
        [900, 1_100],
      ]);
      expect(held).toEqual({
        ranges: [
          [1, 2],
          [1_000, 1_000],
        ],
        publishedAt: 6_000,
        persistedAt: 10_000,
      });
    });

    it('keeps clocks beyond what a number holds exactly', async () => {
      const clock = 2n ** 53n;
      const row = (text: string, at: bigint): HistoryWrite => {
        return {
          kind: 'row',
          table: 'messages',
          key: { ...SESSION, seq: 1 },
          cells: { text, createdAt: 'now', version: at },
          clock: at,
        };
      };
      await made.store.write([row('newer', clock + 1n)]);
      await made.store.write([row('older', clock)]);
      expect(await made.store.readMessages(SESSION, [1], ALL_BYTES)).toMatchObject([{ text: 'newer', version: `${clock + 1n}` }]);
    });

    it('is healthy until closed', async () => {
      await made.store.health();
      await made.store.close();
      await expect(made.store.health()).rejects.toThrow();
      await expect(made.store.write(writesOf(anEvent('message.created', { seq: 1 })))).rejects.toThrow();
    });
  });
}

/** Cuts the events into batches, in an order and with repetitions that the numbers decide. */
function shuffledAndRepeated(events: readonly Event[], luck: readonly number[]): Event[][] {
  const many = [...events, ...events.filter((_event, index) => (luck[index] ?? 0) % 3 === 0)];
  const shuffled = many
    .map((event, index) => ({ event, key: luck[(index * 7) % luck.length] ?? 0 }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ event }) => event);
  const batches: Event[][] = [];
  for (let start = 0; start < shuffled.length;) {
    const size = 1 + ((luck[start % luck.length] ?? 0) % 5);
    const batch = shuffled.slice(start, start + size);
    batches.push(batch, ...(size === 3 ? [batch] : []));
    start += size;
  }
  return batches;
}
