import fc from 'fast-check';
import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { STREAM_EAGER_BYTES_MAX, STREAM_PACE_MS, WINDOW_EVENTS } from '../../../../shared/core/limits.ts';
import { RunningStream } from '../../../../shared/core/running-stream.ts';
import { StreamFeed } from '../../../../worker/session/stream-feed.ts';
import { StreamReader } from '../../../support/stream-reader.ts';
import { streamRecord } from '../../shared/streams.ts';
import { FakeRoom, fakeEvent, type FakePort } from './fake-room.ts';

const seed = Number(process.env['FC_SEED'] ?? randomInt(2 ** 31));

class World {
  readonly room: FakeRoom;
  readonly feed: StreamFeed;
  running: RunningStream[] = [];

  constructor(sockets: readonly FakePort[] = [], running: RunningStream[] = [], nowMs?: number) {
    this.room = new FakeRoom(sockets);
    if (nowMs !== undefined) this.room.nowMs = nowMs;
    this.running = running;
    this.feed = new StreamFeed(this.room.ports, this.room.fanOut, () => this.running);
    this.room.fanOut.listen({
      arrived: () => undefined,
      gone: () => undefined,
      caughtUp: (socket) => this.feed.catchUp(socket),
      flushing: () => this.feed.flush(),
    });
  }

  start(id: string): RunningStream {
    const stream = new RunningStream(streamRecord({ id }));
    this.running.push(stream);
    return stream;
  }

  append(stream: RunningStream, text: string): void {
    stream.append(text);
    this.feed.changed(stream);
  }

  end(stream: RunningStream): void {
    this.running = this.running.filter((each) => each !== stream);
    this.room.log.head += 1;
    this.feed.ended(stream, this.room.log.head);
    this.room.fanOut.add({ type: 'message.created', seq: this.room.log.head } as never, fakeEvent(this.room.log.head));
  }

  received(port: FakePort): void {
    const socket = this.room.fanOut.find(port);
    if (socket !== undefined) this.room.fanOut.received(socket, this.room.log.head);
  }
}

const reader = (port: FakePort) => StreamReader.of(port.frames());

describe('frames of a stream', () => {
  test('a chunk that comes alone goes at once; those that pile up go in one frame', async () => {
    const world = new World();
    const port = world.room.connect();
    const stream = world.start('m7');
    world.append(stream, 'a');
    await world.room.settle();
    expect(reader(port)).toMatchObject({ frames: 1 });
    for (const text of ['b', 'c', 'd']) world.append(stream, text);
    await world.room.settle();
    expect(reader(port)).toMatchObject({ frames: 2 });
    expect(reader(port).text('m7')).toBe('abcd');
    expect(port.frames().at(-1)).toMatchObject({ data: { index: 1, lastIndex: 3, text: 'bcd' } });
  });

  test('the last chunks go before the message, and nothing to who has the message', async () => {
    const world = new World();
    const port = world.room.connect();
    const stream = world.start('m7');
    world.append(stream, 'a');
    world.end(stream);
    const late = world.room.connect('bob', 0);
    await world.room.settle();
    expect(port.frames().map(({ type }) => type)).toEqual(['welcome', 'signal', 'events']);
    expect(late.frames().map(({ type }) => type)).toEqual(['welcome', 'events']);
  });

  test('who never says that it reads is paced: fewer frames, longer ones, and never a hole', async () => {
    const world = new World();
    const [quiet, reads] = [world.room.connect('alice'), world.room.connect('bob')];
    const stream = world.start('m7');
    const chunk = 'x'.repeat(1_000);
    const count = Math.ceil((STREAM_EAGER_BYTES_MAX * 2) / 1_000);
    for (let at = 0; at < count; at += 1) {
      world.append(stream, chunk);
      await world.room.settle();
      if (at % 100 === 0) world.received(reads);
    }
    expect(reader(reads).frames).toBe(count);
    const before = reader(quiet).frames;
    expect(before).toBeLessThan(count * 0.6);
    expect(world.room.waiting).toBe(1);
    await world.room.pass(STREAM_PACE_MS);
    expect(reader(quiet).frames).toBe(before + 1);
    expect(reader(quiet).text('m7')).toBe(stream.textFrom(0));
    world.received(quiet);
    world.append(stream, 'y');
    await world.room.settle();
    expect(reader(quiet).next('m7')).toBe(count + 1);
  });

  test('who lags behind the events gets none of it until it caught up', async () => {
    const world = new World();
    const port = world.room.connect();
    world.room.log.head = WINDOW_EVENTS + 1;
    world.room.fanOut.add({ type: 'message.created' } as never, fakeEvent(WINDOW_EVENTS + 1));
    await world.room.settle();
    const stream = world.start('m7');
    for (const text of ['a', 'b', 'c']) world.append(stream, text);
    await world.room.settle();
    expect(reader(port).frames).toBe(0);
    const socket = world.room.fanOut.find(port);
    if (socket !== undefined) world.room.fanOut.received(socket, WINDOW_EVENTS);
    expect(reader(port)).toMatchObject({ frames: 1 });
    expect(reader(port).text('m7')).toBe('abc');
  });
});

/** Which of some numbered things: 0…4 */
const which = fc.nat(4);
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('append' as const), which, long: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const), which }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('connect' as const, 'leave' as const, 'received' as const), which }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pass' as const, 'sleep' as const, 'end' as const), which }) },
  ),
  { maxLength: 120, size: 'max' },
);

describe('any run of chunks, joins, leaves, sleeps and pauses', () => {
  test('gives every reader the text of every stream, without a hole', async () => {
    console.log(`property test of stream frames: FC_SEED=${seed} repeats this run`);
    const property = fc.asyncProperty(steps, async (sequence) => {
      let world = new World();
      const ports: FakePort[] = [];
      let started = 0;
      for (const step of sequence) {
        if (step.do === 'append') {
          const stream = world.running[step.which] ?? world.start(`s${(started += 1)}`);
          world.append(stream, 'long' in step && step.long ? 'x'.repeat(60_000) : `${started} `);
        } else if (step.do === 'settle') await world.room.settle();
        else if (step.do === 'pass') await world.room.pass(STREAM_PACE_MS);
        else if (step.do === 'connect') ports.push(world.room.connect(`u${step.which}`));
        else if (step.do === 'received') ports.slice(step.which, step.which + 1).forEach((port) => world.received(port));
        else if (step.do === 'leave') ports.splice(step.which, 1).forEach((port) => world.room.fanOut.detach(port));
        else if (step.do === 'end') world.running.slice(step.which, step.which + 1).forEach((stream) => world.end(stream));
        else {
          await world.room.settle();
          const { head } = world.room.log;
          world = new World(ports, world.running, world.room.nowMs);
          world.room.log.head = head;
          world.room.fanOut.restore();
        }
      }
      await world.room.settle();
      for (const stream of world.running) world.append(stream, '.');
      await world.room.settle();
      await world.room.pass(STREAM_PACE_MS);
      for (const port of ports) {
        // a hole throws here
        const seen = reader(port);
        for (const stream of world.running) expect(seen.text(stream.id)).toBe(stream.textFrom(0));
      }
    });
    await fc.assert(property, { seed, numRuns: 40 });
  });
});
