import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { InboxChange } from '../../../../shared/core/inbox.ts';
import { INBOX_TELL_MS } from '../../../../shared/core/limits.ts';
import { InboxOutbox } from '../../../../worker/session/inbox-outbox.ts';
import type { RoomPorts } from '../../../../worker/session/ports.ts';

/** A Session whose clock stands still but for its own delays, on a table in memory. */
function session(fails: (userId: string) => boolean = () => false) {
  const database = new DatabaseSync(':memory:');
  database.exec(`CREATE TABLE inbox_outbox (user_id TEXT PRIMARY KEY) WITHOUT ROWID`);
  const told: { userId: string; head: number; atMs: number }[] = [];
  const alarms: number[] = [];
  const world = { nowMs: 1_000_000, head: 1, onTell: (_userId: string): void => undefined };
  let running = 0;
  let most = 0;
  const ports: object = {
    sql: {
      exec: (text: string, ...values: SQLInputValue[]) => {
        const rows = database.prepare(text).all(...values);
        return { toArray: () => rows };
      },
    },
    delay: async (ms: number) => {
      world.nowMs += ms;
      await Promise.resolve();
    },
    background: () => undefined,
    setAlarm: (atMs: number) => void alarms.push(atMs),
    tellInbox: async (userId: string, { head }: InboxChange) => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (fails(userId)) throw new Error('away');
      told.push({ userId, head, atMs: world.nowMs });
      world.onTell(userId);
    },
    nowMs: () => world.nowMs,
    random: () => 0.5,
    log: () => undefined,
  };
  const change = (): InboxChange => ({
    sessionId: 's1',
    head: world.head,
    headOrdinal: 0,
    activity: 1,
    role: 'member',
    readOrdinal: 0,
    mentions: [],
  });
  // only what is used: a port that is not there fails the test
  const outbox = new InboxOutbox(ports as RoomPorts, change);
  const waiting = () =>
    database
      .prepare(`SELECT user_id FROM inbox_outbox`)
      .all()
      .map((row) => String(row['user_id']));
  return { outbox, told, alarms, world, waiting, most: () => most };
}

test('a row goes once its user was told, few at a time', async () => {
  const { outbox, told, waiting, most } = session();
  for (let at = 0; at < 250; at += 1) outbox.mark(`user-${at}`);
  await outbox.drain();
  expect(new Set(told.map(({ userId }) => userId)).size).toBe(250);
  expect(told).toHaveLength(250);
  expect(most()).toBe(6);
  expect([waiting(), outbox.waiting]).toEqual([[], false]);
});

test('what is done while it is being told is told too, and not before its time', async () => {
  const { outbox, told, world, waiting } = session();
  world.onTell = () => {
    if (world.head === 3) return;
    world.head += 1;
    outbox.mark('ann');
  };
  outbox.mark('ann');
  await outbox.drain();
  expect(told.map(({ head }) => head)).toEqual([1, 2, 3]);
  const [first, second, third] = told.map(({ atMs }) => atMs);
  expect([(second ?? 0) - (first ?? 0), (third ?? 0) - (second ?? 0)]).toEqual([INBOX_TELL_MS, INBOX_TELL_MS]);
  expect(waiting()).toEqual([]);
});

test('one that fails keeps its row and holds up nobody; the wait grows', async () => {
  let away = true;
  const { outbox, told, world, alarms, waiting } = session((userId) => away && userId === 'ben');
  for (const userId of ['ann', 'ben', 'cem']) outbox.mark(userId);
  const waits: number[] = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await outbox.drain();
    waits.push((alarms.at(-1) ?? 0) - world.nowMs);
    expect(outbox.retryAtMs).toBe(alarms.at(-1));
    world.nowMs = alarms.at(-1) ?? 0;
  }
  expect(waits.slice(0, 3)).toEqual([375, 750, 1_500]);
  expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
  expect(waiting()).toEqual(['ben']);
  expect(told.map(({ userId }) => userId)).toEqual(['ann', 'cem']);
  away = false;
  await outbox.drain();
  expect([waiting(), outbox.waiting, outbox.retryAtMs]).toEqual([[], false, undefined]);
});

test('many that fail for ever end a pass early, and the others still have their turn', async () => {
  const { outbox, told, world, waiting } = session((userId) => userId.startsWith('a'));
  for (let at = 0; at < 300; at += 1) outbox.mark(`a-${String(at).padStart(3, '0')}`);
  outbox.mark('zoe');
  for (let attempt = 0; attempt < 4; attempt += 1) {
    await outbox.drain();
    world.nowMs = outbox.retryAtMs ?? world.nowMs;
  }
  expect(told.map(({ userId }) => userId)).toEqual(['zoe']);
  expect(waiting()).toHaveLength(300);
});

test('after a start it knows what waits', () => {
  const { outbox } = session();
  outbox.mark('ann');
  outbox.reset();
  expect(outbox.waiting).toBe(false);
  outbox.load();
  expect(outbox.waiting).toBe(true);
});
