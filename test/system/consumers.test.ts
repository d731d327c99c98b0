import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ACK_WAIT_MS } from '../../consumers/runtime/streams.ts';
import { openSqliteHistory } from '../../consumers/stores/history/sqlite.ts';
import type { QueryAnswer, QueryRequest } from '../../shared/contract/internal.ts';
import { EVENTS_STREAM, QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent } from '../contracts/events.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, until } from '../support/stack.ts';
import { numbers, Rig } from './consumers-rig.ts';

const ALL_BYTES = 1024 ** 3;
/** two ack timers of the server, and some: what was in a killed worker's hand comes again */
const REDELIVERED_MS_MAX = 60_000;
const encode = (value: string): Uint8Array => new TextEncoder().encode(value);

async function stored(rig: Rig, sessionId: string): Promise<Event[]> {
  const store = openSqliteHistory({ path: join(rig.dataDir, 'history.db'), writes: false });
  try {
    return await store.readEvents({ tenant: 'default', sessionId }, 1, 100_000, ALL_BYTES);
  } finally {
    await store.close();
  }
}

async function ask(rig: Rig, request: QueryRequest | Record<string, unknown>): Promise<QueryAnswer> {
  const answer = await (await rig.nats()).request(QUERY_SUBJECT, JSON.stringify(request), { timeout: 5_000 });
  return answer.json<QueryAnswer>();
}

requireOrSkip('nats-server', natsServerMissing())('consumers against a real nats-server', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    await rig.prepare();
  });
  afterEach(async () => await rig.dispose());

  it('start before NATS, say it once, and come to be ready', { timeout: 60_000 }, async () => {
    const consumers = rig.startConsumers();
    await until('waiting is logged', () => rig.said('waiting for NATS') === 1);
    rig.startNats();
    await until('ready', () => rig.said('ready') === 1);
    expect(rig.said('waiting for NATS')).toBe(1);
    expect(rig.output).toContain('"roles":["history","query"]');
    const { config } = await (await jetstreamManager(await rig.nats())).streams.info(EVENTS_STREAM);
    expect(config).toMatchObject({
      subjects: ['millrace.events.>'],
      discard: 'new',
      storage: 'file',
      max_bytes: 256 * 1024 ** 2,
      max_age: 30 * 24 * 3_600 * 1e9,
      duplicate_window: 120e9,
    });
    expect(await rig.kill(consumers, 'SIGTERM')).toBe(0);
    expect(rig.said('stopped')).toBe(1);
  });

  it('answer questions while JetStream is away, and say that nothing feeds the store', { timeout: 60_000 }, async () => {
    const nats = rig.startNats(false);
    rig.startConsumers();
    await until('query started', () => rig.output.includes('"msg":"started","role":"query"'), 30_000);
    const question = { v: 1, op: 'events', tenant: 'default', sessionId: 's1', from: 1, to: 9, maxBytes: 1_000 };
    expect(await ask(rig, question)).toEqual({ ok: true, op: 'events', events: [] });
    expect(await ask(rig, { v: 1, op: 'health' })).toMatchObject({ ok: false, code: 'unavailable' });
    expect(rig.said('ready')).toBe(0);
    await rig.kill(nats, 'SIGKILL');
    rig.startNats();
    await until('ready', () => rig.said('ready') === 1, 30_000);
    await until('healthy', async () => (await ask(rig, { v: 1, op: 'health' })).ok, 10_000);
  });

  it(
    'P1 P6 kill -9 in between: all is stored once; what was told is true, and what was not is held',
    { timeout: 180_000 },
    async () => {
      rig.startNats();
      let consumers = rig.startConsumers();
      await until('ready', () => rig.said('ready') === 1, 30_000);
      const events = numbers(1, 600).map((seq) => anEvent('message.created', { seq, data: { id: `m${seq}`, ordinal: seq } }));
      // a stride that is coprime with the length visits every event once, far from its neighbours
      const mixed = events.map((_event, index) => events[(index * 7) % events.length]).filter((event) => event !== undefined);
      for (const [index, event] of mixed.entries()) {
        await rig.publish(event);
        if (index % 3 === 0) await rig.publish(event, true);
        if (index === 200 || index === 400) {
          await rig.kill(consumers, 'SIGKILL');
          consumers = rig.startConsumers();
        }
      }
      await until('all stored', async () => (await stored(rig, 's1')).length === events.length, REDELIVERED_MS_MAX);
      expect(await stored(rig, 's1')).toEqual(events);
      // a receipt that died with its worker is what the Session asks the archive for
      const manager = await jetstreamManager(await rig.nats());
      const isIdle = async (): Promise<boolean> => {
        const { num_pending: pending, num_ack_pending: unacknowledged } = await manager.consumers.info(EVENTS_STREAM, 'history');
        return pending + unacknowledged === 0;
      };
      await until('all acknowledged', isIdle, REDELIVERED_MS_MAX);
      await until('the last receipt', () => rig.edge.seqsOf('s1').includes(mixed.at(-1)?.seq ?? 0));
      const held = await ask(rig, { v: 1, op: 'held', tenant: 'default', sessionId: 's1', ranges: [[1, 1_000]] });
      expect(held).toMatchObject({ ok: true, ranges: [[1, 600]] });
      expect(rig.edge.seqsOf('s1').length).toBeGreaterThan(0);
      expect(numbers(1, 600)).toEqual(expect.arrayContaining(rig.edge.seqsOf('s1')));
      expect(rig.edge.refused).toBe(0);
      expect(await rig.deadLetters()).toEqual([]);
      expect(rig.edge.failuresOf('s1')).toEqual([]);
    },
  );

  it('P7 poison becomes dead letters with payload, headers and reason, and holds up nobody', { timeout: 60_000 }, async () => {
    rig.startNats();
    rig.startConsumers();
    await until('ready', () => rig.said('ready') === 1, 30_000);
    const good = [1, 3, 6].map((seq) => anEvent('message.created', { seq, data: { id: `m${seq}` } }));
    const future = {
      ...anEvent('message.created', { seq: 2 }),
      dataschema: 'http://localhost/schemas/message.created/9',
    } as Event;
    const unknown = { ...anEvent('message.created', { seq: 4 }), type: 'message.sung' } as unknown as Event;
    const broken = anEvent('message.created', { seq: 5, data: { text: 7 as unknown as string } });
    for (const event of [good[0], future, good[1], unknown, broken]) if (event !== undefined) await rig.publish(event);
    await rig.publishRaw('millrace.events.default.message.created.s1', encode('{"seq":7, no json'), 'unparsable-1');
    if (good[2] !== undefined) await rig.publish(good[2]);

    await until('all receipts', () => rig.edge.seqsOf('s1').length === 6, 15_000);
    expect(rig.edge.failuresOf('s1')).toEqual(['2 future_version', '4 unknown_type', '5 invalid_event']);
    expect(await stored(rig, 's1')).toEqual(good);
    await until('four dead letters', async () => (await rig.deadLetters()).length === 4);
    const letters = await rig.deadLetters();
    const reasons = letters.map(({ headers }) => headers['Millrace-Reason']);
    expect(new Set(reasons)).toEqual(new Set(['future_version', 'invalid_event', 'unknown_type', 'unparsable']));
    const letter = letters.find(({ headers }) => headers['Millrace-Reason'] === 'unparsable');
    expect(letter?.subject).toBe('millrace.dead.history');
    expect(new TextDecoder().decode(letter?.payload)).toBe('{"seq":7, no json');
    expect(letter?.headers).toMatchObject({
      'Content-Type': 'application/cloudevents+json',
      'Millrace-Original-Nats-Msg-Id': 'unparsable-1',
      'Millrace-Error': 'not JSON in UTF-8',
      'Millrace-Attempts': '1',
      'Millrace-Subject': 'millrace.events.default.message.created.s1',
      'Millrace-Stream-Seq': '6',
    });
    expect(letter?.headers['Millrace-First-Failed-At']).toMatch(/^\d{4}-.*Z$/);
    const { num_ack_pending: pending } = await (
      await jetstreamManager(await rig.nats())
    ).consumers.info(EVENTS_STREAM, 'history');
    expect(pending).toBe(0);

    // who died before telling of a letter leaves it to the next start
    rig.edge.taken.length = 0;
    rig.startConsumers('history');
    await until('told again', () => rig.edge.failuresOf('s1').length === 3);
    expect(rig.edge.failuresOf('s1')).toEqual(['2 future_version', '4 unknown_type', '5 invalid_event']);
  });

  it('a lone event has its receipt soon, also after the edge was away', { timeout: 60_000 }, async () => {
    rig.startNats();
    rig.startConsumers();
    await until('ready', () => rig.said('ready') === 1, 30_000);
    // the first event pays for warming up
    await rig.publish(anEvent('message.created', { seq: 1, sessionId: 'warm' }));
    await until('the first receipt', () => rig.edge.seqsOf('warm').length === 1);
    const waits: number[] = [];
    for (const sessionId of ['a', 'b', 'c', 'd', 'e']) {
      const publishedMs = Date.now();
      await rig.publish(anEvent('message.created', { seq: 1, sessionId }));
      await until('the receipt', () => rig.edge.seqsOf(sessionId).length === 1);
      const taken = rig.edge.taken.find(({ receipt }) => receipt.sessionId === sessionId);
      waits.push((taken?.atMs ?? 0) - publishedMs);
      expect(taken?.receipt.publishedAt).toBeGreaterThanOrEqual(publishedMs - 1);
      expect(taken?.receipt.persistedAt).toBeGreaterThanOrEqual(taken?.receipt.publishedAt ?? Infinity);
    }
    console.info(`receipts of lone events after ${waits.join(', ')} ms`);
    // the machine may be busy once: not five times
    expect(Math.min(...waits)).toBeLessThan(150);

    rig.edge.away = true;
    await rig.publish(anEvent('message.created', { seq: 2, sessionId: 'a' }));
    await until('the edge is missed', () => rig.said('the edge does not take receipts') === 1);
    rig.edge.away = false;
    await until('the receipt after all', () => rig.edge.seqsOf('a').length === 2);
  });

  it('answer questions from the store, cut to what a reply may hold', { timeout: 60_000 }, async () => {
    rig.startNats();
    const history = rig.startConsumers('history');
    await until('history ready', () => rig.said('ready') === 1, 30_000);
    rig.startConsumers('query');
    rig.startConsumers('query');
    await until('query ready', () => rig.said('ready') === 3, 30_000);
    const text = 'é'.repeat(50_000);
    const events = numbers(1, 12).map((seq) => anEvent('message.created', { seq, data: { id: `m${seq}`, ordinal: seq, text } }));
    for (const event of events) await rig.publish(event);
    await until('all stored', () => rig.edge.seqsOf('s1').length === events.length);
    const session = { tenant: 'default', sessionId: 's1' };

    expect(await ask(rig, { v: 1, op: 'health' })).toEqual({ ok: true, op: 'health' });
    expect(await ask(rig, { v: 1, op: 'nonsense' })).toMatchObject({ ok: false, code: 'invalid_request' });
    const seen: Event[] = [];
    while (seen.length < events.length) {
      const answer = await ask(rig, { v: 1, op: 'events', ...session, from: seen.length + 1, to: 99, maxBytes: ALL_BYTES });
      if (!answer.ok || answer.op !== 'events' || answer.events.length === 0) throw new Error(JSON.stringify(answer));
      seen.push(...answer.events);
    }
    expect(seen).toEqual(events);
    const messages = await ask(rig, { v: 1, op: 'messages', ...session, seqs: numbers(1, 12) });
    expect(messages.ok && messages.op === 'messages' ? messages.messages.map(({ seq }) => seq) : messages).toEqual(numbers(1, 5));
    expect(await ask(rig, { v: 1, op: 'messages', ...session, seqs: [77] })).toEqual({ ok: true, op: 'messages', messages: [] });
    expect(await ask(rig, { v: 1, op: 'held', ...session, ranges: [[3, 40]] })).toMatchObject({ ok: true, ranges: [[3, 12]] });

    // nobody is there to make it again
    await rig.kill(history, 'SIGKILL');
    await (await jetstreamManager(await rig.nats())).consumers.delete(EVENTS_STREAM, 'history');
    const isMissed = async (): Promise<boolean> => !(await ask(rig, { v: 1, op: 'health' })).ok;
    await until('health misses the durable', isMissed, 10_000);
  });

  it(
    'make the durable and the streams again when they are gone, and go on after nats-server was killed',
    { timeout: 120_000 },
    async () => {
      const nats = rig.startNats();
      rig.startConsumers('history');
      await until('ready', () => rig.said('ready') === 1, 30_000);
      const manager = await jetstreamManager(await rig.nats());
      await rig.publish(anEvent('message.created', { seq: 1 }));
      await until('the first receipt', () => rig.edge.seqsOf('s1').length === 1);

      await manager.consumers.delete(EVENTS_STREAM, 'history');
      await rig.publish(anEvent('message.created', { seq: 2 }));
      await until('the durable is made again', () => rig.edge.seqsOf('s1').length === 2, 45_000);

      await rig.kill(nats, 'SIGKILL');
      rig.startNats();
      await rig.publish(anEvent('message.created', { seq: 3 }));
      await until('after the kill', () => rig.edge.seqsOf('s1').length === 3, 45_000);

      const made = rig.said('stream made');
      await manager.streams.delete(EVENTS_STREAM);
      await until('the stream is made again', () => rig.said('stream made') === made + 1, 45_000);
      await rig.publish(anEvent('message.created', { seq: 4 }));
      await until('after the stream was lost', () => rig.edge.seqsOf('s1').length === 4, 45_000);
    },
  );

  it('P7 a failing store pauses pulling and burns no deliveries', { timeout: 120_000 }, async () => {
    rig.startNats();
    rig.startConsumers('history');
    await until('ready', () => rig.said('ready') === 1, 30_000);
    const state = async () => await (await jetstreamManager(await rig.nats())).consumers.info(EVENTS_STREAM, 'history');
    // the guard notes something of its own after a start: the lock is waited for
    const lock = new DatabaseSync(join(rig.dataDir, 'history.db'), { timeout: 10_000 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      const pausedMs = Date.now();
      for (const seq of numbers(1, 50)) await rig.publish(anEvent('message.created', { seq, data: { id: `m${seq}` } }));
      await until('paused', () => rig.said('the store fails: paused') === 1);
      // longer than the server waits for an acknowledgement: what is in hand must be kept in hand
      await until('the ack timer would have run out', () => Date.now() > pausedMs + ACK_WAIT_MS + 3_000, ACK_WAIT_MS * 2);
      const { num_pending: pending, num_ack_pending: inHand, num_redelivered: redelivered } = await state();
      expect([pending + inHand, redelivered]).toEqual([50, 0]);
      // it took one batch in hand, and pulls no further
      expect(inHand).toBeLessThan(50);
      lock.exec('ROLLBACK');
    } finally {
      lock.close();
    }
    await until('all stored', () => rig.edge.seqsOf('s1').length === 50, 30_000);
    expect((await state()).num_redelivered).toBe(0);
    expect(rig.said('the store answers again')).toBe(1);
    expect(await rig.deadLetters()).toEqual([]);
  });
});
