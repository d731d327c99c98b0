import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, STREAM_STORE_EVERY_MS } from '../../../../shared/core/limits.ts';
import type { FakePort } from './fake-room.ts';
import { RoomRig } from './room-rig.ts';

const seqsOf = (port: FakePort): number[] =>
  port.frames().flatMap((frame) => ('events' in frame ? (frame.events as { seq: number }[]).map(({ seq }) => seq) : []));
const signalsOf = (port: FakePort): (string | undefined)[] =>
  port
    .frames()
    .filter(({ type }) => type === 'signal')
    .map(({ name }) => name);

describe('the alarm', () => {
  test('waits for no inbox: who reads all the time is told all the time', async () => {
    const rig = new RoomRig();
    await rig.settle();
    for (let at = 0; at < 1_000; at += 1) rig.run('alice', 'message.send', { text: `${at}` });
    await rig.settle();
    rig.tellInbox = async () => Promise.reject(new Error('away'));
    rig.nowMs += 1_000;
    rig.run('bob', 'read.advance', { seq: 1 });
    await rig.settle();
    let read = 1;
    // bounded, or a room that waits for it would hang the test and not fail it
    rig.tellInbox = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      rig.nowMs += 300;
      if (read < 500) rig.run('bob', 'read.advance', { seq: (read += 1) });
    };
    rig.nowMs = rig.room.inboxes.outbox.retryAtMs ?? 0;
    await rig.room.alarm();
    expect(read).toBeLessThan(10);
    await rig.settle();
    expect(read, 'and is told, all the same').toBeGreaterThan(1);
  });

  test('rings for others too, and leaves every backoff of an outage as it is', async () => {
    const rig = new RoomRig();
    await rig.settle();
    const calls = { published: 0, told: 0, asked: 0 };
    rig.publish = async () => {
      calls.published += 1;
      return { acked: 0, error: 'away' };
    };
    rig.tellInbox = async () => {
      calls.told += 1;
      throw new Error('away');
    };
    rig.nowMs += 1_000;
    rig.run('bob', 'read.advance', { seq: 1 });
    rig.run('bob', 'message.send', { text: 'Ahoy' });
    await rig.settle();
    const { outbox, inboxes } = rig.room;
    for (let failures = 0; failures < 7; failures += 1) {
      rig.nowMs = Math.max(outbox.retryAtMs ?? 0, inboxes.outbox.retryAtMs ?? 0);
      await rig.room.alarm();
      await rig.settle();
    }
    const before = { ...calls };
    const dueMs = Math.min(outbox.retryAtMs ?? 0, inboxes.outbox.retryAtMs ?? 0);
    expect(dueMs - rig.nowMs, 'the backoffs have grown').toBeGreaterThan(10_000);
    for (; rig.nowMs < dueMs; rig.nowMs += 1_000) {
      await rig.room.alarm();
      await rig.settle();
    }
    expect(calls).toEqual(before);
    rig.nowMs = Math.max(outbox.retryAtMs ?? 0, inboxes.outbox.retryAtMs ?? 0);
    await rig.room.alarm();
    await rig.settle();
    expect(calls).toMatchObject({ published: before.published + 1, told: before.told + 1 });
  });

  test('asks the archive no more often than its backoff says', async () => {
    const rig = new RoomRig();
    await rig.settle();
    const askedAtMs: number[] = [];
    rig.request = async (payload) => {
      if (payload.includes('"held"')) askedAtMs.push(rig.nowMs);
      return { ok: false, error: 'nobody answers' };
    };
    rig.nowMs += DEFAULT_LIMITS.repairAfterMs;
    const fromMs = rig.nowMs;
    for (; rig.nowMs < fromMs + 600_000; rig.nowMs += 5_000) {
      await rig.room.alarm();
      await rig.settle();
    }
    const waits = askedAtMs.slice(1).map((atMs, at) => (atMs - (askedAtMs[at] ?? 0)) / 1_000);
    expect(waits).toEqual([30, 60, 120, 240]);
  });
});

describe('the key of a chunk', () => {
  const start = (rig: RoomRig, messageId: string): void => void rig.run('bob', 'stream.start', { messageId });
  const append = (rig: RoomRig, messageId: string, key: string, index = 0) => {
    const result = rig.run('bob', 'stream.append', { messageId, index, text: 'Ahoy' }, key);
    return result.ok ? result.value.replayed : result.refusal.code;
  };
  const textOf = (rig: RoomRig, messageId: string): string => {
    const stream = rig.room.streams.find(messageId);
    return stream === undefined || stream === 'ended' ? '' : stream.textFrom(0);
  };

  test('is stored with it: both are there after a crash', async () => {
    const rig = new RoomRig();
    start(rig, 'm1');
    append(rig, 'm1', 'k1');
    await rig.pass(STREAM_STORE_EVERY_MS);
    rig.crash();
    expect([append(rig, 'm1', 'k1'), textOf(rig, 'm1')]).toEqual([true, 'Ahoy']);
  });

  test('is not stored by the end of another stream: neither is there after a crash', async () => {
    const rig = new RoomRig();
    start(rig, 'm1');
    start(rig, 'm2');
    append(rig, 'm1', 'k1');
    append(rig, 'm2', 'k2');
    rig.run('bob', 'stream.finish', { messageId: 'm2', status: 'completed' });
    rig.crash();
    expect(textOf(rig, 'm1')).toBe('');
    expect([append(rig, 'm1', 'k1'), textOf(rig, 'm1')]).toEqual([false, 'Ahoy']);
    expect(append(rig, 'm2', 'k2'), 'the ended one has its key').toBe(true);
  });

  test('is not stored by a chunk that came twice and changed nothing', async () => {
    const rig = new RoomRig();
    start(rig, 'm1');
    append(rig, 'm1', 'k1');
    expect(append(rig, 'm1', 'again')).toBe(false);
    rig.crash();
    expect([append(rig, 'm1', 'again'), textOf(rig, 'm1')]).toEqual([false, 'Ahoy']);
  });

  test('is forgotten with it when a failed commit reloads the room', async () => {
    const rig = new RoomRig();
    start(rig, 'm1');
    append(rig, 'm1', 'k1');
    rig.beforeTransaction = () => {
      rig.beforeTransaction = () => undefined;
      throw new Error('the disk is full');
    };
    expect(() => rig.run('alice', 'message.send', { text: 'x' })).toThrow('the disk is full');
    expect([append(rig, 'm1', 'k1'), textOf(rig, 'm1')]).toEqual([false, 'Ahoy']);
  });
});

describe('who was removed', () => {
  test('sees the removal and nothing behind it, neither events nor signals', async () => {
    const rig = new RoomRig();
    await rig.settle();
    const [alice, bob] = [rig.connect('alice'), rig.connect('bob')];
    await rig.settle();
    const signalsBefore = signalsOf(bob).length;
    rig.run('alice', 'message.send', { text: 'before' });
    rig.run('alice', 'member.remove', { userId: 'bob' });
    // all of it is committed before the first frame of it goes out
    rig.run('alice', 'message.send', { text: 'behind his back' });
    rig.run('alice', 'read.advance', { seq: 2 });
    rig.run('alice', 'stream.start', { messageId: 'm9' });
    rig.run('alice', 'stream.append', { messageId: 'm9', index: 0, text: 'neither this' });
    await rig.settle();
    expect(seqsOf(alice)).toEqual([2, 3, 4]);
    expect(signalsOf(alice)).toEqual(expect.arrayContaining(['read', 'stream']));
    expect(seqsOf(bob)).toEqual([2, 3]);
    expect(signalsOf(bob)).toHaveLength(signalsBefore);
    expect(bob.closed).toBe(4403);
    expect(alice.closed).toBeUndefined();
  });

  test('nor does anyone see what follows the end of the session', async () => {
    const rig = new RoomRig();
    await rig.settle();
    const bob = rig.connect('bob');
    rig.run('alice', 'session.delete', {});
    await rig.settle();
    expect(bob.closed).toBe(4410);
    expect(seqsOf(bob)).toEqual([2]);
  });
});
