import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowsOf } from '../../consumers/projections/history.ts';
import type { HistoryStore, SessionKey } from '../../consumers/stores/history/port.ts';
import type { HistoryScan, ScannedRow } from '../../consumers/stores/history/scan.ts';
import { pairedRows } from '../../consumers/stores/history/row-merge.ts';
import type { HistoryTable } from '../../consumers/stores/history/tables.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent, CLOCK_BASE } from './events.ts';

/** What every adapter's scan keeps, on which audits rely: run with the contract of the store. */

const SESSION: SessionKey = { tenant: 'default', sessionId: 's1' };

interface MadeScan {
  store: HistoryStore;
  scan: HistoryScan;
  dispose(): Promise<void>;
}

export function historyScanContract(name: string, make: () => Promise<MadeScan>): void {
  describe(`history scan: ${name}`, () => {
    let made: MadeScan;
    beforeEach(async () => {
      made = await make();
    });
    afterEach(async () => await made.dispose());

    const write = async (events: readonly Event[]): Promise<void> =>
      await made.store.write(events.flatMap((event) => rowsOf(event, { publishedAtMs: 1, persistedAtMs: 2 })));
    const read = async (tables: readonly HistoryTable[], throughSeq: number): Promise<ScannedRow[]> => {
      const found: ScannedRow[] = [];
      for await (const page of made.scan.rows(SESSION, throughSeq, tables)) found.push(...page);
      return found;
    };

    it('gives the rows of a table in the order of their keys, across pages and buckets, and of no other session', async () => {
      // more than a page, and more than a bucket
      const seqs = [...Array.from({ length: 130 }, (_none, index) => index + 1), 999, 1_000, 1_001];
      await write(seqs.toReversed().map((seq) => anEvent('message.created', { seq, data: { id: `m${seq}` } })));
      await write([anEvent('message.created', { seq: 5, sessionId: 's2' }), anEvent('session.created', { seq: 2_000 })]);
      expect((await read(['events'], 1_001)).map(({ key }) => key['seq']).filter((seq) => Number(seq) < 2_000)).toEqual(seqs);
      expect((await read(['messages'], 1_001)).map(({ key }) => key)).toEqual(seqs.map((seq) => ({ seq })));
    });

    it('orders text by its bytes, as pairing does', async () => {
      const emoji = ['a', '\u{1f600}', '\uff5e', 'b'];
      await write(emoji.map((each, index) => anEvent('reaction.added', { seq: index + 2, data: { emoji: each } })));
      const keys: unknown[] = [];
      const twice = (): AsyncGenerator<ScannedRow[]> => made.scan.rows(SESSION, 10, ['reactions']);
      for await (const { left, right } of pairedRows(twice(), twice())) keys.push([left?.key['emoji'], right?.key['emoji']]);
      expect(keys).toEqual(['a', 'b', '\uff5e', '\u{1f600}'].map((each) => [each, each]));
    });

    it('gives each cell with the clock that it was written at, and the whole key', async () => {
      await write([
        anEvent('message.created', { seq: 2, data: { id: 'm1' } }),
        anEvent('message.updated', { seq: 3, data: { id: 'm1', messageSeq: 2, text: 'edited' } }),
        anEvent('member.removed', { seq: 4, data: { userId: 'bob' } }),
        anEvent('session.created', { seq: 1 }),
      ]);
      const [message] = await read(['messages'], 10);
      expect(message).toMatchObject({ table: 'messages', rowKey: 2, key: { seq: 2 }, cells: { id: 'm1', text: 'edited' } });
      expect([message?.clocks['id'], message?.clocks['text'], message?.clocks['editedAt']]).toEqual([
        CLOCK_BASE + 2n,
        CLOCK_BASE + 3n,
        CLOCK_BASE + 3n,
      ]);
      expect(message?.clocks['deletedAt']).toBeUndefined();
      const members = await read(['members'], 10);
      expect(members.map(({ key, cells }) => [key['userId'], cells['active']])).toEqual([
        ['alice', true],
        ['bob', false],
      ]);
      const [session] = await read(['sessions'], 10);
      expect(session).toMatchObject({ key: {}, cells: { title: 'Kitchen', version: CLOCK_BASE + 1n } });
      expect(session?.rowKey).toBeUndefined();
    });

    it('names every session that has an event', async () => {
      for (const tenant of ['acme', 'default']) {
        for (const sessionId of ['s1', 's2', 's3']) {
          await write([1, 2, 1_500].map((seq) => anEvent('message.created', { seq, tenant, sessionId })));
        }
      }
      const found = new Set<string>();
      for await (const page of made.scan.sessions())
        for (const { tenant, sessionId } of page) found.add(`${tenant}/${sessionId}`);
      expect([...found].toSorted()).toEqual(
        ['acme', 'default'].flatMap((tenant) => ['s1', 's2', 's3'].map((id) => `${tenant}/${id}`)),
      );
    });
  });
}
