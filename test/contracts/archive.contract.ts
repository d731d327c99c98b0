import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowsOf } from '../../consumers/projections/history.ts';
import { HOUR_MS, type ArchivedEvent, type ArchivePage } from '../../consumers/stores/history/archive.ts';
import type { HistoryStore, HistoryWrite, SessionKey } from '../../consumers/stores/history/port.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent } from './events.ts';

/** What every adapter of the history store keeps of time: run with the contract of the store. */

const SESSION: SessionKey = { tenant: 'default', sessionId: 's1' };

interface MadeArchive {
  store: HistoryStore;
  dispose(): Promise<void>;
}

export function archiveContract(name: string, make: () => Promise<MadeArchive>): void {
  describe(`archive by time: ${name}`, () => {
    let made: MadeArchive;
    beforeEach(async () => {
      made = await make();
    });
    afterEach(async () => await made.dispose());

    const HOUR = 500_000;
    const written = (event: Event, hour: number): HistoryWrite[] =>
      rowsOf(event, { publishedAtMs: 7_000 + event.seq, persistedAtMs: hour * HOUR_MS + 5 });
    const message = (seq: number, sessionId = 's1'): Event => anEvent('message.created', { seq, sessionId });
    const touchedIn = async (hour: number): Promise<string[]> => {
      const names: string[] = [];
      for await (const page of made.store.touched(hour)) {
        names.push(...page.map(({ tenant, sessionId, bucket }) => `${tenant} ${sessionId} ${bucket}`));
      }
      return names.toSorted();
    };
    const scanned = async (): Promise<ArchivedEvent[]> => {
      const all: ArchivedEvent[] = [];
      let before = 0;
      for await (const { events, done } of made.store.scanEvents()) {
        expect(done).toBeGreaterThanOrEqual(before);
        expect(done).toBeLessThanOrEqual(1);
        before = done;
        all.push(...events);
      }
      return all;
    };

    it('says what was written to in an hour, each part once, and its events with their times', async () => {
      const seqs = [1, 2, 999, 1_000, 2_500];
      await made.store.write(seqs.flatMap((seq) => written(message(seq), HOUR)));
      await made.store.write([
        ...written(message(2), HOUR),
        ...written(message(3, 's2'), HOUR),
        ...written(message(4), HOUR + 1),
      ]);
      expect(await touchedIn(HOUR)).toEqual(['default s1 0', 'default s1 1', 'default s1 2', 'default s2 0']);
      expect(await touchedIn(HOUR + 1)).toEqual(['default s1 0']);
      expect(await touchedIn(HOUR + 2)).toEqual([]);
      const events: ArchivedEvent[] = [];
      for await (const page of made.store.eventsOf({ ...SESSION, bucket: 0 })) events.push(...page.events);
      expect(events).toEqual(
        [1, 2, 4, 999].map((seq) => ({
          event: message(seq),
          publishedAtMs: 7_000 + seq,
          persistedAtMs: (seq === 4 ? HOUR + 1 : HOUR) * HOUR_MS + 5,
        })),
      );
    });

    it('an erasure touches nothing, and what it erased is archived as erased', async () => {
      await made.store.write(written(anEvent('message.deleted', { seq: 1_003, data: { messageSeq: 1 } }), HOUR + 1));
      expect(await touchedIn(HOUR + 1)).toEqual(['default s1 1']);
      await made.store.write(written(message(1), HOUR));
      const events = (await scanned()).map(({ event }) => event).toSorted((a, b) => a.seq - b.seq);
      expect(events.map(({ seq, data }) => [seq, data])).toEqual([
        [1, { id: 'm1', erased: true }],
        [1_003, expect.objectContaining({ messageSeq: 1 })],
      ]);
    });

    it('is read from end to end, by pages: every event of every session once', async () => {
      const events = ['s1', 's2', 's3'].flatMap((sessionId) =>
        Array.from({ length: 150 }, (_none, index) => message(900 + index, sessionId)),
      );
      await made.store.write(events.flatMap((event) => written(event, HOUR)));
      const placeOf = ({ sessionid, seq }: Event): string => `${sessionid} ${seq}`;
      expect((await scanned()).map(({ event }) => placeOf(event)).toSorted()).toEqual(events.map(placeOf).toSorted());
    });

    it('names rows that hold no event, or another one, and reads those around them', async () => {
      const seqs = [1, 2, 3, 4, 5];
      await made.store.write(seqs.flatMap((seq) => written(message(seq), HOUR)));
      const spoil = async (seq: number, cells: { envelope?: string; data?: string }): Promise<void> => {
        const clock = BigInt(message(seq).clock) + 1n;
        await made.store.write([{ kind: 'row', table: 'events', key: { ...SESSION, seq }, cells, clock }]);
      };
      await spoil(2, { envelope: '{"seq":' });
      await spoil(3, { data: 'null' });
      await spoil(4, { envelope: JSON.stringify({ ...message(9), data: undefined }) });
      const pages: ArchivePage[] = [];
      for await (const page of made.store.scanEvents()) pages.push(page);
      for await (const page of made.store.eventsOf({ ...SESSION, bucket: 0 })) pages.push(page);
      expect(pages.flatMap(({ events }) => events.map(({ event }) => event.seq))).toEqual([1, 5, 1, 5]);
      const named = [2, 3, 4].map((seq) => ({ ...SESSION, seq }));
      expect(pages.flatMap(({ unreadable }) => unreadable)).toEqual([...named, ...named]);
    });

    it('more parts than a page holds are all there', { timeout: 60_000 }, async () => {
      const sessions = Array.from({ length: 1_100 }, (_none, index) => `many-${index}`);
      await made.store.write(sessions.flatMap((sessionId) => written(message(1, sessionId), HOUR)));
      expect(await touchedIn(HOUR)).toEqual(sessions.map((sessionId) => `default ${sessionId} 0`).toSorted());
    });

    it('keeps the last note of each name', async () => {
      expect(await made.store.readNote('history')).toBeUndefined();
      for (const note of ['first', 'second', 'third']) await made.store.writeNote('history', note);
      await made.store.writeNote('search', 'own');
      expect(await made.store.readNote('history')).toBe('third');
      expect(await made.store.readNote('search')).toBe('own');
    });
  });
}
