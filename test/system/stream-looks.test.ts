import { AckPolicy, jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jetStreamEventStream } from '../../consumers/query/event-stream.ts';
import { knownLetters } from '../../consumers/query/letters.ts';
import { lookAtDurable } from '../../consumers/runtime/durable-look.ts';
import { jetStreamLetters } from '../../consumers/runtime/letters.ts';
import { ensureStreams } from '../../consumers/runtime/streams.ts';
import { lookAtStream } from '../../consumers/upkeep/seen.ts';
import { DEAD_LETTERS_STREAM, deadLetterSubject, EVENTS_STREAM, eventSubject } from '../../shared/contract/subjects.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing } from '../support/stack.ts';
import { Rig } from './consumers-rig.ts';

requireOrSkip('nats-server', natsServerMissing())('what a real server says of the stream', () => {
  const rig = new Rig();
  let manager: JetStreamManager;
  let client: JetStreamClient;

  beforeAll(async () => {
    await rig.prepare();
    rig.startNats();
    manager = await jetstreamManager(await rig.nats());
    client = jetstream(await rig.nats());
    await ensureStreams(manager, { eventsMaxBytes: 64 * 1024 ** 2 }, () => undefined);
    await durable('all', {});
    await durable('few', { filter_subjects: ['millrace.events.*.message.created.*', 'millrace.events.*.member.added.*'] });
    for (const type of ['message.created', 'trace.started', 'trace.span', 'trace.finished']) await publish(type, 's1');
    await publish('message.created', 's2');
    await publish('trace.started', 's1');
  });
  afterAll(async () => await rig.dispose());

  async function durable(name: string, more: object): Promise<void> {
    await manager.consumers.add(EVENTS_STREAM, { durable_name: name, ack_policy: AckPolicy.Explicit, ...more });
  }

  async function publish(type: string, sessionId: string): Promise<void> {
    await client.publish(eventSubject('default', type, sessionId), '{}', { msgID: `${type}-${sessionId}-${Math.random()}` });
  }

  async function acknowledge(name: string, count: number): Promise<void> {
    const consumer = await client.consumers.get(EVENTS_STREAM, name);
    for await (const message of await consumer.fetch({ max_messages: count, expires: 2_000 })) await message.ackAck();
  }

  test('the upkeep sees how far each durable is, also one that takes few types', async () => {
    await acknowledge('all', 6);
    await acknowledge('few', 1);
    const seen = await lookAtStream(manager, ['all', 'few', 'none'], Date.now());
    expect(seen.maxBytes).toBe(64 * 1024 ** 2);
    expect(seen.durables.get('all')).toEqual({ name: 'all', settledTo: 6, isAhead: false });
    expect(seen.durables.get('few')).toMatchObject({ settledTo: 4, isAhead: false });
    expect(Math.abs(Date.now() - (seen.durables.get('few')?.oldestAtMs ?? 0))).toBeLessThan(60_000);
    expect(seen.durables.has('none') && seen.durables.get('none')).toBeUndefined();
    await acknowledge('few', 1);
    // its floor stands at 5: what follows is not for it
    expect((await lookAtStream(manager, ['few'], Date.now())).durables.get('few')?.settledTo).toBe(6);
  });

  test('a durable says how far it is, how old the oldest is that it owes, and until when it is paused', async () => {
    const place = { stream: EVENTS_STREAM, name: 'owes' };
    await durable('owes', { filter_subjects: ['millrace.events.*.message.created.*', 'millrace.events.*.trace.started.*'] });
    expect(await lookAtDurable(manager, place)).toMatchObject({ pending: 4, ackPending: 0, redelivered: 0, settled: 0 });
    const consumer = await client.consumers.get(EVENTS_STREAM, 'owes');
    for await (const message of await consumer.fetch({ max_messages: 2, expires: 2_000 }))
      if (message.seq === 1) await message.ackAck();
    const oldest = await manager.streams.getMessage(EVENTS_STREAM, { seq: 2 });
    expect(await lookAtDurable(manager, place)).toMatchObject({
      pending: 2,
      ackPending: 1,
      settled: 1,
      oldestAtMs: oldest?.time.getTime(),
    });
    const until = new Date(Date.now() + 3_600_000);
    await manager.consumers.pause(EVENTS_STREAM, 'owes', until);
    expect((await lookAtDurable(manager, place))?.pausedUntilMs).toBe(until.getTime());
    expect((await lookAtStream(manager, ['owes'], Date.now())).durables.get('owes')).toMatchObject({ isPaused: true });
    await manager.consumers.resume(EVENTS_STREAM, 'owes');
    expect(await lookAtDurable(manager, place)).not.toHaveProperty('pausedUntilMs');
    expect(await lookAtDurable(manager, { stream: EVENTS_STREAM, name: 'few' })).toMatchObject({ pending: 0, ackPending: 0 });
    expect(await lookAtDurable(manager, { stream: EVENTS_STREAM, name: 'few' })).not.toHaveProperty('oldestAtMs');
    expect(await lookAtDurable(manager, { stream: EVENTS_STREAM, name: 'none' })).toBeUndefined();
    expect(await lookAtDurable(manager, { stream: 'NONE', name: 'none' })).toBeUndefined();
  });

  test('the look goes along one session, from a sequence on, and knows what was acknowledged', async () => {
    const stream = jetStreamEventStream(manager, 'all');
    expect(await stream.state()).toMatchObject({ lastSeq: 6, ackFloor: 6, duplicateWindowMs: 120_000 });
    expect((await jetStreamEventStream(manager, 'none').state()).ackFloor).toBe(0);
    const subject = 'millrace.events.default.*.*.s1';
    const seqs: number[] = [];
    for (let next = await stream.next(subject, 2); next !== undefined; next = await stream.next(subject, next.seq + 1)) {
      expect(next.id).toMatch(/^trace\.\w+-s1-/);
      seqs.push(next.seq);
    }
    expect(seqs).toEqual([2, 3, 4, 6]);
  });

  test('a stream made anew is another', async () => {
    const stream = jetStreamEventStream(manager, 'all');
    const { created } = await stream.state();
    await manager.streams.delete(EVENTS_STREAM);
    await expect(stream.state()).rejects.toThrow();
    await ensureStreams(manager, {}, () => undefined);
    expect(await stream.state()).toMatchObject({ lastSeq: 0, ackFloor: 0 });
    expect((await stream.state()).created).not.toBe(created);
  });

  test('dead letters are known by the id of their event, for as long as they are there', async () => {
    const lettersOf = knownLetters({
      letters: jetStreamLetters(manager),
      created: async () => (await manager.streams.info(DEAD_LETTERS_STREAM)).created,
      consumer: 'history',
      now: Date.now,
    });
    const bury = async (consumer: string, id: string): Promise<number> => {
      const all = headers();
      all.set('Millrace-Original-Nats-Msg-Id', id);
      all.set('Millrace-Reason', 'invalid_event');
      return (await client.publish(deadLetterSubject(consumer), 'x', { headers: all })).seq;
    };
    expect(await lettersOf(new Set(['e1']))).toEqual(new Map());
    const seq = await bury('history', 'e1');
    await bury('search', 'e2');
    const found = await lettersOf(new Set(['e1', 'e2', 'e3']));
    expect([...found.keys()]).toEqual(['e1']);
    expect(found.get('e1')).toMatchObject({ code: 'invalid_event', consumer: 'history' });
    await manager.streams.deleteMessage(DEAD_LETTERS_STREAM, seq);
    expect(await lettersOf(new Set(['e1']))).toEqual(new Map());
    await bury('history', 'e3');
    expect([...(await lettersOf(new Set(['e1', 'e3']))).keys()]).toEqual(['e3']);
  });
});
