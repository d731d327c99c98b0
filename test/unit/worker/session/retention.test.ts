import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { RoomPorts } from '../../../../worker/session/ports.ts';
import { encodeEvent, EventLog } from '../../../../worker/session/event-log.ts';
import { ProgressLog } from '../../../../worker/session/progress-log.ts';
import { Retention } from '../../../../worker/session/retention.ts';
import { migrate } from '../../../../worker/session/schema.ts';
import { TAIL_MS_MIN } from '../../../../shared/core/limits.ts';
import { anEvent } from '../../../contracts/events.ts';
import { MemoryStorage } from '../../../support/sql-storage.ts';

it('a trim or a receipt that comes to nothing leaves what is in memory as it was: the digests of what goes are kept', () => {
  const storage = new MemoryStorage();
  const sql = storage.sql as never;
  migrate(sql, 0);
  const events = new EventLog(sql);
  const progress = new ProgressLog(sql);
  for (let seq = 1; seq <= 6; seq += 1) {
    const event = anEvent('message.created', { seq });
    events.append(event, encodeEvent(event, seq));
  }
  let nowMs = 1_000;
  let isBroken = false;
  const ports = {
    sql,
    nowMs: () => nowMs,
    digest: (text: string) => createHash('sha256').update(text).digest('hex'),
    transaction: <T>(section: () => T): T =>
      storage.transactionSync(() => {
        const value = section();
        if (isBroken) throw new Error('the disk is full');
        return value;
      }),
  };
  const retention = new Retention(ports as unknown as RoomPorts, events, progress, { eventsMin: 1, slackEvents: 1 });
  retention.load();
  const receipt = { seqs: [[1, 6] satisfies [number, number]], publishedAt: 1, persistedAt: 2 };
  isBroken = true;
  expect(() => retention.record(receipt)).toThrow('full');
  expect(progress.persisted).toBe(0);
  isBroken = false;
  retention.record(receipt);
  nowMs += TAIL_MS_MIN + 1;
  isBroken = true;
  expect(() => retention.trim()).toThrow('full');
  expect(events.floor).toBe(1);
  isBroken = false;
  retention.trim();
  expect(events.floor).toBe(6);
  const digests = events.digests.range(1, 5);
  for (let seq = 1; seq <= 5; seq += 1) expect(digests.subarray((seq - 1) * 8, seq * 8).some((byte) => byte !== 0)).toBe(true);
});
