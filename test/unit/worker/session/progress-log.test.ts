import { expect, it } from 'vitest';
import { ProgressLog } from '../../../../worker/session/progress-log.ts';
import { migrate } from '../../../../worker/session/schema.ts';
import { MemoryStorage } from '../../../support/sql-storage.ts';

const HEAD = 10;

function aLog(): { log: ProgressLog; again: () => ProgressLog } {
  const storage = new MemoryStorage();
  // an SQLite in memory speaks the part of the interface that is used
  const sql = storage.sql as never;
  migrate(sql, 0);
  const again = (): ProgressLog => {
    const log = new ProgressLog(sql);
    log.load();
    return log;
  };
  return { log: again(), again };
}

const failure = (seq: number) => ({ seq, code: 'bug', detail: 'd', consumer: 'history', at: 50 });

it('a redriven event has its own times, and its neighbours keep theirs', () => {
  for (const seq of [1, 3, 5]) {
    const { log, again } = aLog();
    log.recordReceipt({ seqs: [[1, 5]], publishedAt: 10, persistedAt: 50, failures: [failure(seq)] }, HEAD, 60);
    expect(log.oldestFailure()).toBe(seq);
    log.recordReceipt({ seqs: [[seq, seq]], publishedAt: 11, persistedAt: 900, failures: [] }, HEAD, 901);
    for (const each of [log, again()]) {
      expect(each.persisted).toBe(5);
      expect(each.oldestFailure()).toBeUndefined();
      expect(each.of(seq)).toEqual({ publishedAt: 11, persistedAt: 900 });
      for (const other of [1, 2, 3, 4, 5].filter((at) => at !== seq)) {
        expect(each.of(other), String(other)).toEqual({ publishedAt: 10, persistedAt: 50 });
      }
    }
    // told again by a consumer that started anew
    log.recordReceipt({ seqs: [[seq, seq]], publishedAt: 50, persistedAt: 50, failures: [failure(seq)] }, HEAD, 990);
    expect(log.of(seq)).toEqual({ publishedAt: 11, persistedAt: 900 });
  }
});

it('a receipt that came before changes no time of what did not fail', () => {
  const { log } = aLog();
  log.recordReceipt({ seqs: [[1, 5]], publishedAt: 10, persistedAt: 50 }, HEAD, 60);
  log.recordReceipt({ seqs: [[2, 7]], publishedAt: 11, persistedAt: 900 }, HEAD, 901);
  expect([log.of(2).persistedAt, log.of(6).persistedAt]).toEqual([50, 900]);
});
