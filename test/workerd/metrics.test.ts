import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { expect, test } from 'vitest';
import {
  acceptCount,
  ACCEPT_MS_BOUNDS,
  commandCount,
  resumeCount,
  SOCKETS_OPENED,
  type Door,
} from '../../worker/metrics/counts.ts';
import type { UplinkFigures } from '../../worker/uplink/api.ts';
import { alice, bob, eventually, TestSession } from './support.ts';

/** What the Uplink of a session was told since a moment: it is shared by many sessions, but here they come one by one. */
async function watch(session: TestSession) {
  const figures = async (): Promise<UplinkFigures> => await session.uplink().figures();
  const before = (await figures()).counts;
  const since = async (name: string): Promise<number> => ((await figures()).counts[name] ?? 0) - (before[name] ?? 0);
  return { figures, since };
}

/** accepted commands whose time was told */
async function timed(since: (name: string) => Promise<number>, door: Door): Promise<number> {
  const buckets = Array.from({ length: ACCEPT_MS_BOUNDS.length + 1 }, (_none, bucket) => acceptCount(door, bucket));
  const counts = await Promise.all(buckets.map(since));
  return counts.reduce((sum, count) => sum + count, 0);
}

test('a Session tells what it counted with the publishes that there are anyway, and makes no other call', async () => {
  const session = new TestSession();
  const { since } = await watch(session);
  await session.create([{ userId: 'bob', role: 'member' }]);
  await session.must(alice, { name: 'message.send', data: { text: 'a' } }, 'key');
  await session.must(alice, { name: 'message.send', data: { text: 'a' } }, 'key');
  await session.must(alice, { name: 'member.put', data: { userId: 'bob', role: 'member' } });
  const refused = await session.execute({ id: 'mallory', kind: 'user' }, { name: 'message.send', data: { text: 'x' } });
  expect(refused.ok).toBe(false);
  // what was counted before it leaves with the next publish
  await session.send(bob, 'b');
  await eventually('all counted', async () => (await since(commandCount('http', 'accepted'))) === 3);
  expect(await since(commandCount('http', 'duplicate'))).toBe(1);
  expect(await since(commandCount('http', 'unchanged'))).toBe(1);
  expect(await since(commandCount('http', 'refused'))).toBe(1);
  await eventually('all published', async () => (await session.published()).ids.length === 3);
  // three events, and at most a call for each
  expect((await session.published()).calls).toBeLessThanOrEqual(3);
});

test('the time until a commit is durable is told by door', async () => {
  const session = new TestSession();
  const { since } = await watch(session);
  await session.create();
  const socket = await session.connect(alice);
  socket.send({ type: 'command', id: '1', command: 'message.send', data: { text: 'by socket' } });
  socket.send({ type: 'command', id: '2', command: 'no.such', data: {} });
  await socket.until('both answers', () => socket.frames.filter(({ type }) => type === 'ack' || type === 'reject').length === 2);
  await eventually('both doors timed', async () => {
    await session.send(alice, 'so that something is published');
    return (await timed(since, 'http')) >= 1 && (await timed(since, 'socket')) === 1;
  });
  expect(await since(commandCount('socket', 'accepted'))).toBe(1);
  expect(await since(commandCount('socket', 'refused'))).toBe(1);
  expect(await since(SOCKETS_OPENED)).toBe(1);
  expect((await session.uplink().figures()).sockets).toBeGreaterThanOrEqual(1);
  socket.close();
});

test('a cursor that is still held is resumed, one from elsewhere is not', async () => {
  const session = new TestSession();
  const { since } = await watch(session);
  await session.create();
  const resumed = await session.connect(alice, '?after=0');
  const elsewhere = await session.connect(alice, '?after=0&epoch=another');
  const fresh = await session.connect(alice);
  expect((await session.upgrade(['millrace.v1', 'ticket.none'], '?after=0')).status).toBe(401);
  await session.send(alice, 'out');
  await eventually('all counted', async () => (await since(SOCKETS_OPENED)) === 3);
  expect(await since(resumeCount('resumed'))).toBe(1);
  expect(await since(resumeCount('snapshot'))).toBe(1);
  expect(await since(resumeCount('refused'))).toBe(1);
  for (const socket of [resumed, elsewhere, fresh]) socket.close();
});

test('what waits is known while nothing is acknowledged, also of an object that was evicted, and is gone after', async () => {
  const session = new TestSession();
  const { figures } = await watch(session);
  const begunMs = Date.now();
  await session.uplink().plan({ failing: 1_000 });
  await session.create();
  await session.send(alice, 'one');
  await evictDurableObject(session.stub());
  await session.send(alice, 'two');
  await eventually('three wait', async () => {
    await runDurableObjectAlarm(session.stub());
    return (await figures()).outbox.events === 3;
  });
  const { outbox } = await figures();
  expect(outbox.sessions).toBe(1);
  expect(outbox.oldestAtMs).toBeGreaterThanOrEqual(begunMs);
  expect(outbox.oldestAtMs).toBeLessThanOrEqual(Date.now());
  await session.uplink().plan({ failing: 0 });
  await eventually('nothing waits', async () => {
    await runDurableObjectAlarm(session.stub());
    return (await figures()).outbox.events === 0;
  });
  expect((await figures()).outbox).toEqual({ events: 0, sessions: 0 });
});
