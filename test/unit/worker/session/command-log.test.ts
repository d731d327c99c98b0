import { expect, it } from 'vitest';
import { IDEMPOTENCY_KEY_MS } from '../../../../shared/core/limits.ts';
import { CommandLog, SWEEP_PASS_EVERY_MS, SWEEP_ROWS_MAX } from '../../../../worker/session/command-log.ts';
import { migrate } from '../../../../worker/session/schema.ts';
import { MemoryStorage } from '../../../support/sql-storage.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const answer = {
  commandId: 'c1',
  sessionId: 's1',
  seq: 1,
  eventId: null,
  entityId: 'e1',
  correlationId: 'r1',
  acceptedAt: '2026-01-01T00:00:00.000Z',
};

/** A log with one key, and how many reads its sweeps made. */
function opened(): { log: CommandLog; reads: () => number } {
  const { sql } = new MemoryStorage();
  migrate(sql, 0);
  let selects = 0;
  const exec: typeof sql.exec = (query, ...bindings) => {
    if (query.startsWith('SELECT')) selects += 1;
    return sql.exec(query, ...bindings);
  };
  const log = new CommandLog({ ...sql, exec });
  log.putKey('ann', 'k1', { fingerprint: 'f', answer }, NOW_MS);
  return { log, reads: () => selects };
}

it('looks through its tables at most once in ten minutes, however often the alarm rings', () => {
  const { log, reads } = opened();
  for (let ms = 0; ms < 2 * SWEEP_PASS_EVERY_MS; ms += 10_000) log.sweep(NOW_MS + ms);
  // two tables, two passes
  expect(reads()).toBe(4);
});

it('drops a key that expired, at the next pass', () => {
  const { log } = opened();
  const expiredMs = NOW_MS + IDEMPOTENCY_KEY_MS + 1;
  log.sweep(expiredMs - 2_000);
  expect(log.findKey('ann', 'k1')).toEqual({ fingerprint: 'f', answer });
  log.sweep(expiredMs);
  log.sweep(expiredMs + SWEEP_PASS_EVERY_MS);
  expect(log.findKey('ann', 'k1')).toBeUndefined();
});

it('a clock that was set back puts no pass off', () => {
  const { log, reads } = opened();
  log.sweep(NOW_MS + 10 * SWEEP_PASS_EVERY_MS);
  log.sweep(NOW_MS);
  expect(reads()).toBe(4);
});

it('ends its pass once each table is through, however many slices each of them takes', () => {
  const { log, reads } = opened();
  const record = { type: 'message.send', eventId: 'e', actor: 'ann', acceptedAt: NOW_MS } as const;
  for (let seq = 1; seq <= SWEEP_ROWS_MAX + 1; seq += 1) log.put({ ...record, commandId: `c${seq}`, seq });
  for (let at = 1; at <= 2 * SWEEP_ROWS_MAX; at += 1) log.putKey('bob', `k${at}`, { fingerprint: 'f', answer }, NOW_MS);
  for (let ms = 0; ms < SWEEP_PASS_EVERY_MS; ms += 10_000) log.sweep(NOW_MS + ms);
  // two slices of commands, three of keys
  expect(reads()).toBe(5);
});
