import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowsOf } from '../../consumers/projections/history.ts';
import type { HistoryStore, HistoryWrite, SessionKey } from '../../consumers/stores/history/port.ts';
import { eventOf, messageOf } from '../../consumers/stores/history/rows.ts';
import {
  ERASED_CELLS,
  HISTORY_TABLES,
  rowKeyOf,
  seqPartOf,
  type CellValue,
  type HistoryTable,
} from '../../consumers/stores/history/tables.ts';
import type { HistoryScan } from '../../consumers/stores/history/scan.ts';
import type { StoredMessage } from '../../shared/contract/internal.ts';
import { rangesOf } from '../../shared/core/seq-ranges.ts';
import type { Event } from '../../shared/core/types.ts';
import { inAnyOrder } from '../support/any-order.ts';
import { archiveContract } from './archive.contract.ts';
import { anEvent, CLOCK_BASE } from './events.ts';
import { historyScanContract } from './history-scan.contract.ts';

/** What every adapter of the history store keeps: run once per adapter. `make` gives an empty store each time. */

const RUNS = Number(process.env['FC_RUNS'] ?? 40);
/** fast-check prints the seed of a failure; FC_SEED plays it again */
const SEED = process.env['FC_SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['FC_SEED']);
const ALL_BYTES = 1024 ** 3;

/** A row as it lies in the store, whole or not; the parts of its key inside the session are joined by spaces. */
export interface TableRow {
  table: HistoryTable;
  rowKey: string;
  cells: Readonly<Record<string, unknown>>;
}

export interface MadeStore {
  store: HistoryStore;
  scan: HistoryScan;
  /** every row of a session, past the store: some tables are for others to read */
  rows(session: SessionKey): Promise<TableRow[]>;
  dispose(): Promise<void>;
}

/** The rules of the port in the most naive form: every write kept, and read by the rules. */
class Model {
  readonly #writes: HistoryWrite[] = [];

  write(batch: readonly HistoryWrite[]): void {
    this.#writes.push(...batch);
  }

  events(session: SessionKey): Event[] {
    return this.rows('events', session).flatMap(({ cells }) => eventOf(cells) ?? []);
  }

  messages(session: SessionKey): StoredMessage[] {
    return this.rows('messages', session).flatMap(({ rowKey, cells }) => {
      return messageOf(Number(rowKey), cells) ?? [];
    });
  }

  /** Those with a seq in their order. */
  rows(table: HistoryTable, session: SessionKey): TableRow[] {
    const rows = new Map<string, Map<string, { value: CellValue; clock: bigint }>>();
    const put = (rowKey: string, cell: string, value: CellValue, clock: bigint): void => {
      const row = rows.get(rowKey) ?? new Map<string, { value: CellValue; clock: bigint }>();
      rows.set(rowKey, row);
      const before = row.get(cell);
      if (before !== undefined && (before.clock > clock || (before.clock === clock && before.value >= value))) return;
      row.set(cell, { value, clock });
    };
    for (const write of this.#writes) {
      if (write.kind !== 'row' || write.table !== table || !isOf(write.key, session)) continue;
      const rowKey = rowKeyOf(table, { ...write.key }).join(' ');
      for (const [cell, value] of Object.entries<CellValue>(write.cells)) put(rowKey, cell, value, write.clock);
    }
    for (const write of this.#writes) {
      if (write.kind !== 'eraseSession' || !isOf(write, session)) continue;
      for (const rowKey of rows.keys()) {
        if (seqPartOf(table) !== undefined && Number(rowKey.split(' ')[0]) >= write.belowSeq) continue;
        for (const [cell, value] of Object.entries<CellValue>(ERASED_CELLS[table] ?? {})) put(rowKey, cell, value, write.clock);
      }
    }
    return [...rows]
      .toSorted(([a], [b]) => Number(a) - Number(b))
      .map(([rowKey, cells]) => ({
        table,
        rowKey,
        cells: Object.fromEntries([...cells].map(([cell, { value }]) => [cell, value])),
      }));
  }
}

function isOf(key: SessionKey, session: SessionKey): boolean {
  return key.tenant === session.tenant && key.sessionId === session.sessionId;
}

const TABLES = Object.keys(HISTORY_TABLES) as HistoryTable[];

function inOrder(rows: readonly TableRow[]): TableRow[] {
  const nameOf = ({ table, rowKey }: TableRow): string => `${table} ${rowKey}`;
  return rows.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

const SESSION: SessionKey = { tenant: 'default', sessionId: 's1' };
const writesOf = (event: Event): HistoryWrite[] =>
  rowsOf(event, { publishedAtMs: 5_000 + event.seq, persistedAtMs: 9_000 + event.seq });

export function historyStoreContract(name: string, make: () => Promise<MadeStore>): void {
  archiveContract(name, make);
  historyScanContract(name, make);
  describe(`history store: ${name}`, () => {
    let made: MadeStore;
    beforeEach(async () => {
      made = await make();
    });
    afterEach(async () => await made.dispose());
    afterAll(() => console.info(`history store ${name}: FC_SEED=${SEED}`));

    it('P1 P2 every order and repetition of a batch ends as the model says', { timeout: 120_000 }, async () => {
      await inAnyOrder({ numRuns: RUNS, seed: SEED }, async (events, batches, sessionId) => {
        const session = { tenant: 'default', sessionId };
        const model = new Model();
        for (const batch of batches(events)) {
          const writes = batch.flatMap(writesOf);
          model.write(writes);
          await made.store.write(writes);
        }
        expect(await made.store.readEvents(session, 1, 1_000, ALL_BYTES)).toEqual(model.events(session));
        const seqs = events.map(({ seq }) => seq);
        expect(await made.store.readMessages(session, seqs, ALL_BYTES)).toEqual(model.messages(session));
        expect(await made.store.readEventsAt(session, seqs.toReversed(), ALL_BYTES)).toEqual(model.events(session).toReversed());
        expect((await made.store.heldRanges(session, [[1, 1_000]])).ranges).toEqual(rangesOf(seqs));
        const expected = TABLES.flatMap((table) => model.rows(table, session));
        expect(inOrder(await made.rows(session))).toEqual(inOrder(expected));
      });
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

    it('a purge erases what it covers, also what comes after it, and the rows with it', async () => {
      const secret = { spanId: 'secret-a', name: 'secret', startedAt: '2026-01-02T03:04:05.006Z', input: 'secret' };
      const covered = [
        anEvent('trace.started', { seq: 1, data: { name: 'secret', metadata: { secret: 1 } } }),
        anEvent('trace.span', { seq: 2, data: { span: { ...secret, parentSpanId: 'secret-b', status: 'secret' } } }),
        anEvent('trace.span', { seq: 3, data: { spanSeq: 2, span: { ...secret, output: ['secret'], metadata: { secret: 1 } } } }),
        anEvent('trace.finished', { seq: 4, data: { error: 'secret' } }),
      ];
      const purged = anEvent('trace.purged', { seq: 5, data: { finishedSeq: 4, spanSeqs: [2], updatedSeqs: [3] } });
      for (const batch of [covered.slice(0, 2), [purged], covered.slice(1)]) await made.store.write(batch.flatMap(writesOf));
      const events = await made.store.readEventsAt(SESSION, [1, 2, 3, 4, 5], ALL_BYTES);
      const erased = { id: 't1', erased: true };
      expect(events.map(({ data }) => data)).toEqual([erased, erased, erased, erased, purged.data]);
      const rows = await made.rows(SESSION);
      expect(JSON.stringify(rows, textOfClocks)).not.toContain('secret');
      expect(rows.filter(({ table }) => table === 'traces')).toMatchObject([
        { rowKey: '1', cells: { id: 't1', status: 'purged', purgedAt: purged.time } },
      ]);
      expect(rows.filter(({ table }) => table === 'spans')).toMatchObject([
        { rowKey: '2', cells: { traceSeq: 1, active: false } },
      ]);
    });

    it('merges the parts of a span into one row, in any order, and a reaction is what was said last of it', async () => {
      const part = { spanId: 'a', name: 'early', startedAt: '2026-01-02T03:04:05.006Z' };
      const events = [
        anEvent('trace.span', { seq: 2, data: { span: { ...part, kind: 'tool', input: 1 } } }),
        anEvent('trace.span', { seq: 3, data: { spanSeq: 2, span: { ...part, name: 'late', output: null } } }),
        anEvent('reaction.added', { seq: 4 }),
        anEvent('reaction.removed', { seq: 5 }),
        anEvent('reaction.added', { seq: 6, data: { userId: 'carol' } }),
      ];
      await made.store.write(events.toReversed().flatMap(writesOf));
      const rows = await made.rows(SESSION);
      expect(rows.filter(({ table }) => table === 'spans')).toMatchObject([
        { rowKey: '2', cells: { name: 'late', kind: 'tool', input: '1', output: 'null', active: true } },
      ]);
      expect(inOrder(rows.filter(({ table }) => table === 'reactions'))).toMatchObject([
        { rowKey: '1 👍 bob', cells: { messageId: 'm1', active: false } },
        { rowKey: '1 👍 carol', cells: { active: true } },
      ]);
    });

    it('gives events by seq in the order asked for, without those that are not there, cut like others', async () => {
      const events = [1, 2, 2_500].map((seq) => anEvent('message.created', { seq, data: { text: 'x'.repeat(1_000) } }));
      await made.store.write(events.flatMap(writesOf));
      expect(await made.store.readEventsAt(SESSION, [2_500, 7, 1], ALL_BYTES)).toEqual([events[2], events[0]]);
      expect(await made.store.readEventsAt(SESSION, [2, 1], 10)).toEqual([events[1]]);
      expect(await made.store.readEventsAt(SESSION, [], ALL_BYTES)).toEqual([]);
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

function textOfClocks(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
