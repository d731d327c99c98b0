import { jetstreamManager, type ConsumerInfo } from '@nats-io/jetstream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { anEvent } from '../contracts/events.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, until } from '../support/stack.ts';
import { numbers, Rig } from './consumers-rig.ts';

/** SIGTERM to a real process while what it writes to is slow, or does not answer at all. */

const WITHIN_MS = 60_000;
const EVENTS = 20;
const LATE = 5;

requireOrSkip('nats-server', natsServerMissing())('a process of the consumers that is told to end', () => {
  let rig: Rig;
  let open: () => void;
  beforeEach(async () => {
    rig = new Rig();
    open = () => undefined;
    await rig.prepare();
    rig.startNats();
  });
  afterEach(async () => {
    open();
    await rig.dispose();
  });

  function shut(): void {
    rig.edge.gate = new Promise((resolve) => (open = resolve));
  }

  async function publish(from: number, to: number): Promise<void> {
    for (const each of numbers(from, to)) await rig.publish(anEvent('message.created', { seq: 1, sessionId: `session-${each}` }));
  }

  async function durable(name: string): Promise<ConsumerInfo> {
    return await (await jetstreamManager(await rig.nats())).consumers.info(EVENTS_STREAM, name);
  }

  test('pulls nothing more, ends what it has however slow that is, and exits with 0', { timeout: 120_000 }, async () => {
    const consumers = rig.startConsumers('notifications');
    await until('ready', () => rig.said('ready') === 1, WITHIN_MS);
    shut();
    await publish(1, EVENTS);
    await until('a batch is being written', () => rig.edge.inHand.includes('/internal/notifications'), WITHIN_MS);
    const ended = rig.kill(consumers, 'SIGTERM');
    // what is published from here on is for whoever comes next; a pull that was under way may bring some of it
    await until('nothing more is pulled', async () => (await durable('notifications')).num_waiting === 0, WITHIN_MS);
    const { num_pending: before } = await durable('notifications');
    await publish(EVENTS + 1, EVENTS + LATE);
    open();
    expect(await ended).toBe(0);
    const { num_ack_pending, num_redelivered, num_pending } = await durable('notifications');
    expect({ num_ack_pending, num_redelivered, num_pending }).toEqual({
      num_ack_pending: 0,
      num_redelivered: 0,
      num_pending: before + LATE,
    });
    expect(rig.edge.notified.size).toBe(EVENTS - before);
    expect(rig.said('stopped with messages in hand: they come again')).toBe(0);
  });

  test('tells of what it has archived before it goes', { timeout: 120_000 }, async () => {
    const consumers = rig.startConsumers('history');
    await until('ready', () => rig.said('ready') === 1, WITHIN_MS);
    shut();
    await publish(1, 1);
    await until('a receipt is on its way', () => rig.edge.inHand.includes('/internal/receipts'), WITHIN_MS);
    await publish(2, EVENTS);
    await until('all is archived', async () => (await durable('history')).ack_floor.stream_seq === EVENTS, WITHIN_MS);
    const ended = rig.kill(consumers, 'SIGTERM');
    await until('nothing more is pulled', async () => (await durable('history')).num_waiting === 0, WITHIN_MS);
    open();
    expect(await ended).toBe(0);
    for (const each of numbers(1, EVENTS)) expect(rig.edge.seqsOf(`session-${each}`), `session-${each}`).toEqual([1]);
  });

  test('ends within its bound also when nothing answers, and what it had comes again', { timeout: 120_000 }, async () => {
    const first = rig.startConsumers('notifications');
    await until('ready', () => rig.said('ready') === 1, WITHIN_MS);
    shut();
    await publish(1, EVENTS);
    await until('a batch is being written', () => rig.edge.inHand.includes('/internal/notifications'), WITHIN_MS);
    expect(await rig.kill(first, 'SIGTERM')).toBe(0);
    expect(rig.said('not ended in time: what is in hand comes again')).toBe(0);
    open();
    rig.startConsumers('notifications');
    await until('all were told', () => rig.edge.notified.size === EVENTS, WITHIN_MS);
  });
});
