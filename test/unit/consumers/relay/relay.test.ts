import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CORRELATION_ID_PATTERN } from '../../../../shared/core/ids.ts';
import { Relay } from '../../../../consumers/relay/relay.ts';
import { EdgeRefused } from '../../../../consumers/runtime/signed-post.ts';
import { accepted, commandMessage, later, refused, relayWorld } from './fakes.ts';

const REPLY: [string, string][] = [['Millrace-Reply', 'backend.replies']];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The relay, certain that it alone has commands unless the test says otherwise. */
async function alone(world: ReturnType<typeof relayWorld>): Promise<Relay> {
  const relay = new Relay(world.ports);
  void relay.watchFloor();
  setInterval(() => relay.working(), 5_000);
  world.stream.first = 0;
  const before = commandMessage(0, { subject: 'millrace.commands.default.before' });
  relay.take(before, 't1');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(before.told).toEqual(['ack']);
  world.sent.length = 0;
  // asked now, it would say that an earlier one is out
  world.stream.first = -1;
  return relay;
}

describe('the relay', () => {
  it('sends the commands of a session one by one, each when the one before is settled', async () => {
    const world = relayWorld(() => accepted());
    const relay = await alone(world);
    const messages = [1, 2, 3].map((seq) => commandMessage(seq));
    for (const message of messages) relay.take(message, 't1');
    await vi.advanceTimersByTimeAsync(10);
    expect(world.sent).toEqual(['1', '2', '3']);
    expect(messages.map(({ told }) => told)).toEqual([['ack'], ['ack'], ['ack']]);
    expect(relay.size).toBe(0);
  });

  it('sends those of several sessions together, and a slow session holds up no other', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const world = relayWorld(async ({ sessionId }) => {
      if (sessionId === 'slow') await held;
      return accepted();
    });
    const relay = await alone(world);
    relay.take(commandMessage(1, { subject: 'millrace.commands.default.slow' }), 't1');
    relay.take(commandMessage(2, { subject: 'millrace.commands.default.slow' }), 't1');
    for (const seq of [3, 4, 5]) relay.take(commandMessage(seq, { subject: `millrace.commands.default.q${seq}` }), 't1');
    await vi.advanceTimersByTimeAsync(10);
    expect(relay.size).toBe(2);
    release();
    await vi.advanceTimersByTimeAsync(10);
    expect(relay.size).toBe(0);
    expect(world.sent.filter((call) => call === '2')).toHaveLength(1);
  });

  it('tries a command that cannot be taken now again, before any later one of its session, and never buries it', async () => {
    const world = relayWorld(({ payload }, attempt) =>
      payload === '{"n":1}' && attempt < 20 ? later('unavailable') : accepted(),
    );
    const relay = await alone(world);
    relay.take(commandMessage(1), 't1');
    relay.take(commandMessage(2), 't1');
    await vi.advanceTimersByTimeAsync(20 * 10_000);
    expect(world.sent).toEqual([...Array.from({ length: 20 }, () => '1'), '2']);
    expect(world.letters).toEqual([]);
  });

  it('waits as long as a rate says, and not longer', async () => {
    const world = relayWorld((_command, attempt) => (attempt === 1 ? later('rate_limited', 700) : accepted()));
    const relay = await alone(world);
    relay.take(commandMessage(1), 't1');
    await vi.advanceTimersByTimeAsync(699);
    expect(world.sent).toEqual(['1']);
    await vi.advanceTimersByTimeAsync(2);
    expect(world.sent).toEqual(['1', '1']);
    expect(relay.size).toBe(0);
  });

  it('keeps all in hand while the edge is away, and honours its Retry-After', async () => {
    let calls = 0;
    const world = relayWorld(() => accepted());
    const { commands } = world.ports.edge;
    world.ports.edge.commands = async (batch) => {
      calls += 1;
      if (calls === 2) throw new EdgeRefused(429, 30_000);
      if (calls === 3) throw new TypeError('fetch failed');
      return await commands(batch);
    };
    const relay = await alone(world);
    for (const seq of [1, 2]) relay.take(commandMessage(seq), 't1');
    await vi.advanceTimersByTimeAsync(29_900);
    expect(calls).toBe(2);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(world.sent).toEqual(['1', '2']);
    expect(world.logged).toEqual(['the edge does not take commands', 'the edge takes commands again']);
    expect(world.letters).toEqual([]);
  });
});

describe('a command that is refused', () => {
  it('is a dead letter, then answered, then acknowledged, and the next goes on', async () => {
    const order: string[] = [];
    const world = relayWorld(({ payload }) => (payload === '{"n":1}' ? refused('forbidden') : accepted()));
    const relay = await alone(world);
    const { store } = world.ports.deadLetters;
    world.ports.deadLetters.store = async (letter) => {
      order.push('stored');
      await store(letter);
    };
    world.ports.replies.send = () => order.push('answered');
    const message = commandMessage(1, {
      headers: REPLY,
      ack: async () => {
        order.push('acknowledged');
        return await Promise.resolve(true);
      },
    });
    relay.take(message, 't1');
    relay.take(commandMessage(2), 't1');
    await vi.advanceTimersByTimeAsync(10);
    expect(order).toEqual(['stored', 'answered', 'acknowledged']);
    expect(world.letters.map(({ reason, error, consumer }) => [reason, error, consumer])).toEqual([['forbidden', 'no', 'relay']]);
    expect(world.sent).toEqual(['1', '2']);
  });

  it('stays first in its session until its dead letter is stored, and is not asked of the edge again', async () => {
    const world = relayWorld(({ payload }) => (payload === '{"n":1}' ? refused('conflict') : accepted()));
    const relay = await alone(world);
    const { store } = world.ports.deadLetters;
    let away = true;
    world.ports.deadLetters.store = async (letter) => {
      if (away) throw new Error('the stream is full');
      await store(letter);
    };
    const message = commandMessage(1, { headers: REPLY });
    relay.take(message, 't1');
    relay.take(commandMessage(2), 't1');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([world.sent, world.replies]).toEqual([['1'], []]);
    expect(new Set(message.told)).toEqual(new Set(['working']));
    away = false;
    await vi.advanceTimersByTimeAsync(10_100);
    expect(world.sent).toEqual(['1', '2']);
    expect(world.replies).toEqual(['backend.replies refused']);
    expect(world.letters).toHaveLength(1);
  });

  it('for a reason of the edge is given up after ten failures: it holds up its session no longer', async () => {
    const world = relayWorld(({ payload }) => (payload === '{"n":1}' ? later('internal') : accepted()));
    const relay = await alone(world);
    relay.take(commandMessage(1), 't1');
    relay.take(commandMessage(2), 't1');
    await vi.advanceTimersByTimeAsync(200_000);
    expect(world.sent).toEqual([...Array.from({ length: 10 }, () => '1'), '2']);
    expect(world.letters.map(({ reason }) => reason)).toEqual(['retries_exhausted']);
  });

  it('because it cannot be read goes nowhere', async () => {
    const world = relayWorld(() => accepted());
    const relay = await alone(world);
    relay.take(commandMessage(1, { data: new Uint8Array([0xff]), headers: REPLY }), 't1');
    relay.take(commandMessage(2, { deliveries: 101 }), 't1');
    world.stream.first = 2;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(world.sent).toEqual([]);
    expect(world.letters.map(({ reason }) => reason)).toEqual(['invalid_request', 'deliveries_exhausted']);
    // nothing else names it: what could not be read says nothing of itself
    const named = world.letters.map(({ correlationId = 'none' }) => correlationId);
    expect(named.map((id) => CORRELATION_ID_PATTERN.test(id) && id !== 'none')).toEqual([true, true]);
    expect(world.replies).toEqual(['backend.replies refused']);
  });
});

describe('at a takeover', () => {
  it('a command waits while the stream holds an earlier one of its session', async () => {
    const world = relayWorld(() => accepted());
    const relay = new Relay(world.ports);
    world.stream.first = 3;
    relay.take(commandMessage(5), 't1');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(world.sent).toEqual([]);
    relay.take(commandMessage(3, { deliveries: 2 }), 't1');
    await vi.advanceTimersByTimeAsync(10);
    world.stream.first = 5;
    await vi.advanceTimersByTimeAsync(300);
    expect(world.sent).toEqual(['3', '5']);
  });

  it('a command that another relay settled meanwhile is dropped', async () => {
    const world = relayWorld(() => accepted());
    const relay = new Relay(world.ports);
    const message = commandMessage(5, { deliveries: 2 });
    world.stream.first = 6;
    relay.take(message, 't1');
    await vi.advanceTimersByTimeAsync(10);
    expect([relay.size, world.sent, message.told]).toEqual([0, [], []]);
  });

  it('what is in hand is asked for again once the pin is gone', async () => {
    const world = relayWorld(() => accepted());
    const relay = await alone(world);
    relay.interrupted();
    relay.take(commandMessage(5), 't2');
    await vi.advanceTimersByTimeAsync(400);
    expect(world.sent).toEqual([]);
    world.stream.first = 5;
    await vi.advanceTimersByTimeAsync(300);
    expect(world.sent).toEqual(['5']);
  });

  it('and after a stall, for then the server may have given what is in hand to another', async () => {
    const world = relayWorld(() => accepted());
    const relay = new Relay(world.ports);
    void relay.watchFloor();
    world.stream.first = 1;
    relay.take(commandMessage(1), 't1');
    await vi.advanceTimersByTimeAsync(1_000);
    // certain by now: what the stream says is not asked
    world.stream.first = 9;
    relay.take(commandMessage(2), 't1');
    await vi.advanceTimersByTimeAsync(10);
    expect(world.sent).toEqual(['1', '2']);
    // nobody told the server that anything is worked on: another has settled it by now
    vi.setSystemTime(Date.now() + 11_000);
    relay.take(commandMessage(3), 't1');
    await vi.advanceTimersByTimeAsync(10);
    expect([world.sent, relay.size]).toEqual([['1', '2'], 0]);
  });

  it('a message that comes again while it is in hand is one, and the last delivery is answered', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const world = relayWorld(async () => {
      await held;
      return accepted();
    });
    const relay = new Relay(world.ports);
    world.stream.first = 5;
    const [first, again] = [commandMessage(5), commandMessage(5, { deliveries: 2 })];
    relay.take(first, 't1');
    await vi.advanceTimersByTimeAsync(10);
    relay.take(again, 't1');
    relay.working();
    release();
    await vi.advanceTimersByTimeAsync(10);
    expect([world.sent, first.told, again.told]).toEqual([['5'], [], ['working', 'ack']]);
  });

  it('a settled message whose acknowledgement was lost is only acknowledged when it comes again', async () => {
    const world = relayWorld(() => refused('forbidden'));
    const relay = new Relay(world.ports);
    world.stream.first = 5;
    relay.take(commandMessage(5, { ack: async () => await Promise.reject(new Error('no answer')) }), 't1');
    await vi.advanceTimersByTimeAsync(10);
    const again = commandMessage(5, { deliveries: 2 });
    relay.take(again, 't1');
    await vi.advanceTimersByTimeAsync(10);
    expect([world.sent, world.letters.length, again.told]).toEqual([['5'], 1, ['ack']]);
  });

  it('a relay that stops ends what is out and gives back the rest, in order', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const world = relayWorld(async () => {
      await held;
      return accepted();
    });
    const relay = new Relay(world.ports);
    world.stream.first = 1;
    const messages = [1, 2, 3].map((seq) => commandMessage(seq));
    for (const message of messages) relay.take(message, 't1');
    await vi.advanceTimersByTimeAsync(10);
    const stopped = relay.stop(10_000);
    release();
    await vi.advanceTimersByTimeAsync(10);
    await stopped;
    expect(messages.map(({ told }) => told)).toEqual([['ack'], ['retry 0'], ['retry 0']]);
  });
});

it('payloads beyond the bound are let go and read again when their turn comes', async () => {
  const sizes: number[] = [];
  const world = relayWorld(({ payload }) => {
    sizes.push(payload.length);
    return accepted();
  });
  world.stream.payloadOf = async (seq) => await Promise.resolve(new TextEncoder().encode(JSON.stringify({ n: seq }).padEnd(BIG)));
  const relay = await alone(world);
  const BIG_PAYLOAD = new TextEncoder().encode('{"n":9}'.padEnd(BIG));
  const seqs = Array.from({ length: 70 }, (_none, index) => index + 1);
  for (const seq of seqs) relay.take(commandMessage(seq, { data: BIG_PAYLOAD }), 't1');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(relay.size).toBe(0);
  expect(sizes.slice(1)).toEqual(seqs.map(() => BIG));
  // those that were let go say by their number that they were read again
  expect(world.sent.filter((call) => call !== '9').length).toBeGreaterThanOrEqual(6);
});
const BIG = 1024 * 1024;
