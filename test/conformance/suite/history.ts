import { describe, expect, test } from 'vitest';
import { EventStream } from './catch-up.ts';
import { eventually } from '../eventually.ts';
import type { EventType, WireEvent } from '../schemas.ts';
import { Scene, type World } from '../scene.ts';

/** One session in which everything happens once, looked at from every side. */

const AT = '2026-01-02T03:04:05.678Z';

const EXPECTED: EventType[] = [
  'session.created',
  'member.added',
  'member.updated',
  'member.removed',
  'session.updated',
  'message.created',
  'message.created',
  'message.updated',
  'reaction.added',
  'reaction.removed',
  'trace.started',
  'trace.span',
  'trace.finished',
  'message.created',
  'message.deleted',
  'trace.purged',
  'session.archived',
  'session.restored',
];

async function everything(scene: Scene): Promise<{ gone: string; purged: string }> {
  const act = scene.act.bind(scene);
  const userId = scene.id('stranger');
  await act('owner', 'member.put', { userId, role: 'viewer' });
  await act('owner', 'member.put', { userId, role: 'member' });
  await act('owner', 'member.remove', { userId });
  await act('owner', 'session.update', { title: 'Everything' });
  const gone = await scene.message('member', { text: 'a secret' });
  const kept = await scene.message('agent', { text: 'kept', parentId: gone });
  await act('member', 'message.edit', { messageId: gone, text: 'a secret still' });
  await act('viewer', 'read.advance', { seq: 3 });
  await act('member', 'reaction.add', { messageId: kept, emoji: '👍' });
  await act('member', 'reaction.remove', { messageId: kept, emoji: '👍' });
  const purged = await scene.trace('agent', { name: 'a secret run' });
  await act('agent', 'trace.append', { traceId: purged, spanId: 's', name: 'a secret', startedAt: AT });
  await act('agent', 'trace.finish', { traceId: purged, status: 'failed', error: 'a secret' });
  const messageId = await scene.stream('agent', { role: 'assistant' });
  await act('agent', 'stream.append', { messageId, index: 0, text: 'streamed' });
  await act('agent', 'stream.finish', { messageId, status: 'completed' });
  await act('member', 'message.delete', { messageId: gone });
  await act('owner', 'trace.purge', { traceId: purged });
  await act('owner', 'session.archive');
  await act('owner', 'session.restore');
  return { gone, purged };
}

function expectRules(events: readonly WireEvent[], scene: Scene): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, at) => at + 1));
  const clocks = events.map(({ clock }) => BigInt(clock));
  for (const [at, clock] of clocks.entries()) if (at > 0) expect(clock > (clocks[at - 1] ?? 0n)).toBe(true);
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  for (const event of events) {
    expect(event).toMatchObject({ tenant: 'default', sessionid: scene.sessionId, source: `/sessions/${scene.sessionId}` });
    expect(event.dataschema).toContain(`/schemas/${event.type}/`);
    // microseconds since 1970, near the event's time
    expect(Math.abs(Number(BigInt(event.clock) / 1_000n) - Date.parse(event.time))).toBeLessThan(60_000);
  }
  const ordinals = events.flatMap(({ data }) => (data as { ordinal?: number }).ordinal ?? []);
  expect(ordinals.at(-1)).toBe(3);
}

const erasedOf = (events: readonly WireEvent[]): number[] =>
  events.filter(({ data }) => (data as { erased?: boolean }).erased === true).map(({ seq }) => seq);

export function historySuite(world: World): void {
  describe('a session with everything', () => {
    test(
      'is the same run of events for sockets, HTTP, server-sent events and JetStream, and erased in each',
      { timeout: 120_000 },
      async ({ onTestFinished }) => {
        const scene = await Scene.make(world);
        onTestFinished(() => scene.end());
        const live = await scene.socket('viewer', { after: 0 });
        await everything(scene);
        await live.seen(EXPECTED.length);
        expect(live.events.map(({ type }) => type)).toEqual(EXPECTED);
        expectRules(live.events, scene);
        // a live socket saw them before they were erased
        expect(erasedOf(live.events)).toEqual([]);

        const events = await scene.events();
        expect(erasedOf(events)).toEqual([6, 8, 11, 12, 13]);
        expect(JSON.stringify(events)).not.toContain('secret');
        const whole = (each: readonly WireEvent[]) => each.filter(({ seq }) => !erasedOf(events).includes(seq));
        expect(whole(live.events)).toEqual(whole(events));
        const late = await scene.socket('owner', { after: 0 });
        await late.seen(EXPECTED.length);
        expect(late.events).toEqual(events);
        const stream = await EventStream.open(world.target.url, `${scene.path}/events?after=0`, scene.people.member);
        onTestFinished(() => stream.close());
        await eventually('all as server-sent events', () => stream.events.length === EXPECTED.length);
        expect(stream.events).toEqual(events);
        if (world.backend)
          expect(whole(await world.backend.events('default', scene.sessionId, EXPECTED.length))).toEqual(whole(events));
      },
    );

    test('deleted: its socket had all, JetStream has the deletion', async ({ onTestFinished }) => {
      const scene = await Scene.make(world);
      onTestFinished(() => scene.end());
      const live = await scene.socket('viewer', { after: 0 });
      await scene.message('member');
      await live.seen(2);
      await scene.act('owner', 'session.delete');
      expect(await live.closed()).toBe(4410);
      if (!world.backend) return;
      const events = await world.backend.events('default', scene.sessionId, 3);
      expect(events.at(-1)).toMatchObject({ type: 'session.deleted', seq: 3, data: {} });
    });
  });
}
