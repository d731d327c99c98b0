import { AckPolicy, jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DURABLES_SHOWN_MAX, lookAtLag } from '../../consumers/metrics/lag-look.ts';
import type { DurableLag, LagSeen } from '../../consumers/metrics/lag.ts';
import { ensureStreams } from '../../consumers/runtime/streams.ts';
import {
  COMMANDS_STREAM,
  deadLetterSubject,
  EVENTS_STREAM,
  eventSubject,
  RECEIPTS_STREAM,
} from '../../shared/contract/subjects.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing } from '../support/stack.ts';
import { Rig } from './consumers-rig.ts';

const EXPECTED = [
  ...['all', 'few', 'gone'].map((name) => ({ stream: EVENTS_STREAM, name })),
  { stream: COMMANDS_STREAM, name: 'relay' },
];

requireOrSkip('nats-server', natsServerMissing())('lag, as a real server tells it', () => {
  const rig = new Rig();
  let manager: JetStreamManager;
  let client: JetStreamClient;

  beforeAll(async () => {
    await rig.prepare();
    rig.startNats();
    manager = await jetstreamManager(await rig.nats());
    client = jetstream(await rig.nats());
  });
  afterAll(async () => await rig.dispose());

  async function publish(type: string): Promise<void> {
    await client.publish(eventSubject('default', type, 's1'), '{}', { msgID: `${type}-${Math.random()}` });
  }

  const look = async (): Promise<LagSeen> => await lookAtLag(manager, EXPECTED, 1_000);
  const lagOf = ({ durables }: LagSeen, consumer: string, stream: string = EVENTS_STREAM): DurableLag | undefined =>
    durables.find(({ name }) => name.consumer === consumer && name.stream === stream);

  test('streams that are not there yet are no fault, and all that should be on them is missing', async () => {
    const seen = await look();
    expect([seen.streams, seen.durables, seen.atMs]).toEqual([[], [], 1_000]);
    expect(seen.missing.map(({ consumer }) => consumer)).toEqual(['all', 'few', 'gone', 'relay']);
  });

  test('every durable by its stream: what is left of it, since when, what comes again, and whether it is paused', async () => {
    await ensureStreams(manager, { eventsMaxBytes: 64 * 1024 ** 2 }, () => undefined);
    const durable = async (stream: string, name: string, more: object = {}) =>
      await manager.consumers.add(stream, { durable_name: name, ack_policy: AckPolicy.Explicit, ...more });
    await durable(EVENTS_STREAM, 'all');
    await durable(EVENTS_STREAM, 'few', { filter_subject: 'millrace.events.*.message.created.*' });
    await durable(RECEIPTS_STREAM, 'all');
    // who reads in passing
    await manager.consumers.add(EVENTS_STREAM, { ack_policy: AckPolicy.None, inactive_threshold: 60e9 });
    for (const type of ['message.created', 'trace.started', 'trace.span']) await publish(type);
    const fetched = await (await client.consumers.get(EVENTS_STREAM, 'all')).fetch({ max_messages: 2, expires: 2_000 });
    const messages = [];
    for await (const message of fetched) messages.push(message);
    await messages[0]?.ackAck();
    messages[1]?.nak();
    const again = await (await client.consumers.get(EVENTS_STREAM, 'all')).fetch({ max_messages: 1, expires: 5_000 });
    for await (const message of again) expect(message.info.deliveryCount).toBe(2);
    const few = await (await client.consumers.get(EVENTS_STREAM, 'few')).next({ expires: 2_000 });
    await few?.ackAck();
    const until = new Date(Date.now() + 3_600_000);
    await manager.consumers.pause(EVENTS_STREAM, 'few', until);

    const seen = await look();
    const second = await manager.streams.getMessage(EVENTS_STREAM, { seq: 2 });
    expect(lagOf(seen, 'all')).toMatchObject({
      pending: 1,
      ackPending: 1,
      redelivered: 1,
      oldestAtMs: second?.time.getTime(),
    });
    expect(lagOf(seen, 'all')).not.toHaveProperty('pausedUntilMs');
    expect(lagOf(seen, 'few')).toMatchObject({ pending: 0, ackPending: 0, redelivered: 0, pausedUntilMs: until.getTime() });
    expect(lagOf(seen, 'few')).not.toHaveProperty('oldestAtMs');
    expect(lagOf(seen, 'all', RECEIPTS_STREAM)).toMatchObject({ pending: 0 });
    expect(seen.durables).toHaveLength(3);
    expect(seen.missing).toEqual([
      { consumer: 'gone', stream: EVENTS_STREAM },
      { consumer: 'relay', stream: COMMANDS_STREAM },
    ]);
    const events = seen.streams.find(({ stream }) => stream === EVENTS_STREAM);
    expect(events).toMatchObject({ messages: 3, maxBytes: 64 * 1024 ** 2 });
    expect(events?.bytes).toBeGreaterThan(0);
    expect(seen.streams).toHaveLength(5);
  });

  test('what lies below the first message of the stream is nobody’s oldest', async () => {
    await manager.streams.purge(EVENTS_STREAM, { seq: 3 });
    const third = await manager.streams.getMessage(EVENTS_STREAM, { seq: 3 });
    expect(lagOf(await look(), 'all')?.oldestAtMs).toBe(third?.time.getTime());
  });

  test('dead letters are counted by who buried them', async () => {
    expect((await look()).deadLetters).toEqual(new Map());
    for (const consumer of ['history', 'search', 'history']) await client.publish(deadLetterSubject(consumer), 'x');
    expect((await look()).deadLetters).toEqual(
      new Map([
        ['history', 2],
        ['search', 1],
      ]),
    );
  });

  test('no more than a bounded number is shown, those that should be there first', async () => {
    for (let n = 0; n < DURABLES_SHOWN_MAX; n += 1) {
      await manager.consumers.add(EVENTS_STREAM, { durable_name: `a${n}`, ack_policy: AckPolicy.Explicit });
    }
    const seen = await look();
    const names = seen.durables.filter(({ name }) => name.stream === EVENTS_STREAM).map(({ name }) => name.consumer);
    expect(names).toHaveLength(DURABLES_SHOWN_MAX);
    expect(names.slice(0, 2)).toEqual(['all', 'few']);
  });
});
