import { describe, expect, test } from 'vitest';
import { HEARTBEAT_MS, HEARTBEATS_MISSED_MAX } from '../../../../shared/core/limits.ts';
import { nextAlarmMs, outboxBackoffMs, SWEEP_EVERY_MS, type AlarmFacts } from '../../../../worker/session/alarm-plan.ts';

const NOW = 1_000_000_000;
const idle: AlarmFacts = { nowMs: NOW, trimmable: false, trimsOn: false, openSockets: 0 };

describe('the next alarm', () => {
  test('an idle session sleeps', () => {
    expect(nextAlarmMs(idle)).toBeUndefined();
  });

  test('an idle session with sockets sweeps at most 12 times an hour', () => {
    expect(nextAlarmMs({ ...idle, openSockets: 3 })).toBe(NOW + SWEEP_EVERY_MS);
    expect(3_600_000 / SWEEP_EVERY_MS).toBeLessThanOrEqual(12);
  });

  test('the earliest of all wins', () => {
    const facts = { ...idle, openSockets: 1, outboxRetryAtMs: NOW + 900, socketDeadlineMs: NOW + 400, repairDueMs: NOW + 500 };
    expect(nextAlarmMs(facts)).toBe(NOW + 400);
  });

  test('inboxes that wait to be told do not wait for NATS', () => {
    expect(nextAlarmMs({ ...idle, outboxRetryAtMs: NOW + 30_000, inboxRetryAtMs: NOW + 500 })).toBe(NOW + 500);
  });

  test('a stream without its author and a user without a socket have their time', () => {
    expect(nextAlarmMs({ ...idle, openSockets: 1, streamDeadlineMs: NOW + 9_000 })).toBe(NOW + 9_000);
    expect(nextAlarmMs({ ...idle, streamDeadlineMs: NOW + 9_000, presenceDeadlineMs: NOW + 8_000 })).toBe(NOW + 8_000);
  });

  test('who vanished from a sleeping session is swept within 7 minutes', () => {
    expect(HEARTBEATS_MISSED_MAX * HEARTBEAT_MS + SWEEP_EVERY_MS).toBeLessThan(7 * 60_000);
  });

  test('what is overdue is due now, never in the past', () => {
    expect(nextAlarmMs({ ...idle, outboxRetryAtMs: NOW - 5_000 })).toBe(NOW);
  });

  test('what may be trimmed waits for its age, and a backlog that is old enough goes on at once', () => {
    expect(nextAlarmMs({ ...idle, trimmable: true })).toBe(NOW + 60_000);
    expect(nextAlarmMs({ ...idle, trimmable: true, trimsOn: true })).toBe(NOW + 250);
    expect(nextAlarmMs({ ...idle, trimsOn: true })).toBeUndefined();
  });

  test('the repair has its time, and one that is overdue begins now', () => {
    expect(nextAlarmMs({ ...idle, repairDueMs: NOW + 60_000 })).toBe(NOW + 60_000);
    expect(nextAlarmMs({ ...idle, openSockets: 1, repairDueMs: NOW + 60_000 })).toBe(NOW + 60_000);
    expect(nextAlarmMs({ ...idle, outboxRetryAtMs: NOW + 500, repairDueMs: NOW + 60_000 })).toBe(NOW + 500);
    expect(nextAlarmMs({ ...idle, repairDueMs: NOW - 1 })).toBe(NOW);
  });
});

describe('backoff', () => {
  test('grows to its bound and no further, with jitter above half a step', () => {
    expect(outboxBackoffMs(1, 0)).toBe(250);
    expect(outboxBackoffMs(1, 0.999_999)).toBe(500);
    expect(outboxBackoffMs(4, 0)).toBe(2_000);
    expect(outboxBackoffMs(1_000, 0.999_999)).toBe(30_000);
  });
});
