import { describe, expect, test, type TestContext } from 'vitest';
import { eventually } from '../eventually.ts';
import type { Signal } from '../frames.ts';
import { presencePage } from '../schemas.ts';
import { Scene, type World } from '../scene.ts';
import type { Connection } from '../socket.ts';

/** What is not kept: typing, presence, read pointers, running streams (contract §4). */
export function signalSuite(world: World): void {
  const make = async (onTestFinished: TestContext['onTestFinished']): Promise<Scene> => {
    const scene = await Scene.make(world);
    onTestFinished(() => scene.end());
    return scene;
  };
  describe('signals', () => {
    userTests(make);
    readTests(make);
  });
  describe('a running stream', () => streamTests(make));
  describe('presence', () => presenceTests(make));
}

type Make = (onTestFinished: TestContext['onTestFinished']) => Promise<Scene>;

async function signalled<Name extends Signal['name']>(
  socket: Connection,
  name: Name,
  is: (signal: Extract<Signal, { name: Name }>) => boolean,
): Promise<Extract<Signal, { name: Name }>> {
  return eventually(`a signal ${name}; faults: ${socket.faults.join('; ')}`, () => socket.signals(name).find(is));
}

function userTests(make: Make): void {
  test('typing reaches the others, with who and when', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const [typist, reader] = [await scene.socket('owner'), await scene.socket('viewer')];
    typist.send({ type: 'signal', name: 'typing', data: { active: true } });
    const first = await signalled(reader, 'typing', ({ user }) => user.id === scene.id('owner'));
    expect(first).toMatchObject({ user: { id: scene.id('owner'), name: 'Olivia Owner', kind: 'user' }, data: { active: true } });
    typist.send({ type: 'signal', name: 'typing', data: { active: false } });
    await signalled(reader, 'typing', ({ data }) => !data.active);
    expect(await scene.head()).toBe(1);
  });

  test('that are bad close the socket, or are rejected, and reach nobody', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const [sender, reader] = [await scene.socket('owner'), await scene.socket('viewer')];
    sender.send({ type: 'signal', name: 'typing', data: { active: 'very' } });
    sender.send({ type: 'signal', name: 'stream', data: { messageId: 'm', index: 0, text: 'x' } });
    const other = await scene.socket('member');
    other.send({ type: 'signal', name: 'typing', data: { active: true } });
    await signalled(reader, 'typing', ({ user }) => user.id === scene.id('member'));
    expect(reader.signals('typing').filter(({ user }) => user.id === scene.id('owner'))).toEqual([]);
    expect(reader.signals('stream')).toEqual([]);
  });
}

function readTests(make: Make): void {
  test('a read pointer that moves is told', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const [writer, reader] = [await scene.socket('owner'), await scene.socket('viewer')];
    await scene.message('member');
    expect(await reader.command('read.advance', { seq: 2 })).toMatchObject({ type: 'ack', result: { eventId: null, seq: 2 } });
    expect(await signalled(writer, 'read', ({ user }) => user.id === scene.id('viewer'))).toMatchObject({ data: { seq: 2 } });
    expect((await scene.socket('viewer')).welcome.readSeq).toBe(2);
  });
}

/** The text as a reader puts it together: index 0 of a late joiner carries all so far. */
function textOf(socket: Connection, messageId: string): string {
  const chunks = socket.signals('stream').filter(({ data }) => data.messageId === messageId);
  return chunks.map(({ data }) => data.text).join('');
}

function streamTests(make: Make): void {
  test('is seen chunk by chunk, then as a message', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const reader = await scene.socket('viewer');
    const messageId = await scene.stream('agent', { role: 'assistant' });
    for (const [index, text] of ['Once ', 'upon ', 'a time'].entries()) {
      await scene.act('agent', 'stream.append', { messageId, index, text });
      await eventually(`chunk ${index}`, () => textOf(reader, messageId).endsWith(text));
    }
    const chunk = reader.signals('stream')[0];
    expect(chunk).toMatchObject({ user: { id: scene.id('agent'), kind: 'agent' }, data: { messageId, index: 0, text: 'Once ' } });
    expect(textOf(reader, messageId)).toBe('Once upon a time');
    await scene.act('agent', 'stream.finish', { messageId, status: 'completed' });
    await reader.seen(2);
    expect(reader.events[0]).toMatchObject({ type: 'message.created', data: { id: messageId, text: 'Once upon a time' } });
  });

  test('is told to who joins in the middle: the text so far in one, from index 0', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const messageId = await scene.stream();
    for (const [index, text] of ['one ', 'two '].entries()) await scene.act('agent', 'stream.append', { messageId, index, text });
    const late = await scene.socket('viewer');
    await eventually('the text so far', () => textOf(late, messageId) === 'one two ');
    expect(late.signals('stream')).toHaveLength(1);
    await scene.act('agent', 'stream.append', { messageId, index: 2, text: 'three' });
    await eventually('the rest', () => textOf(late, messageId) === 'one two three');
  });

  test('appends are idempotent by index', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const messageId = await scene.stream();
    const append = (index: number, text: string) => scene.act('agent', 'stream.append', { messageId, index, text });
    await append(0, 'a');
    await append(1, 'b');
    await append(0, 'a');
    await append(1, 'b');
    const { seq } = await scene.act('agent', 'stream.finish', { messageId, status: 'completed' });
    expect(await scene.eventAt(seq)).toMatchObject({ data: { text: 'ab' } });
  });

  test('tells its sender that it was cancelled', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const sender = await scene.socket('agent');
    const messageId = await scene.stream();
    await scene.act('owner', 'stream.cancel', { messageId, reason: 'enough' });
    expect(await signalled(sender, 'cancel', ({ data }) => data.messageId === messageId)).toMatchObject({
      user: { id: scene.id('owner') },
      data: { reason: 'enough' },
    });
    await sender.seen(2);
    expect(sender.events[0]).toMatchObject({ data: { id: messageId, status: 'cancelled', text: '' }, actor: scene.id('agent') });
  });

  test('that nobody goes on with ends as failed, with the text so far', { timeout: 60_000 }, async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const reader = await scene.socket('viewer');
    const messageId = await scene.stream('agent', { idleTimeoutMs: 10_000 });
    await scene.act('agent', 'stream.append', { messageId, index: 0, text: 'and then' });
    await eventually('its end', () => reader.events.length > 0, 40_000);
    expect(reader.events[0]).toMatchObject({
      type: 'message.created',
      data: { id: messageId, status: 'failed', text: 'and then' },
    });
    await expect(scene.act('agent', 'stream.append', { messageId, index: 1, text: 'x' })).rejects.toThrow('stream_ended');
  });
}

function presenceTests(make: Make): void {
  const presentOf = async (scene: Scene) => (await scene.read('owner', '/presence', presencePage)).items;

  test(
    'is online with the first socket, counts devices, and ends after the last',
    { timeout: 120_000 },
    async ({ onTestFinished }) => {
      const scene = await make(onTestFinished);
      expect(await presentOf(scene)).toEqual([]);
      const reader = await scene.socket('owner');
      const first = await scene.socket('viewer');
      await signalled(reader, 'presence', ({ user, data }) => user.id === scene.id('viewer') && data.status === 'online');
      const second = await scene.socket('viewer');
      const viewer = (await presentOf(scene)).find(({ user }) => user.id === scene.id('viewer'));
      expect(viewer).toMatchObject({ status: 'online', devices: 2 });
      await first.close();
      await eventually('one device', async () => {
        return (await presentOf(scene)).some(({ user, devices }) => user.id === scene.id('viewer') && devices === 1);
      });
      expect(reader.signals('presence').filter(({ data }) => data.status === 'offline')).toEqual([]);
      await second.close();
      await eventually('offline', () => reader.signals('presence').some(({ data }) => data.status === 'offline'), 70_000);
      expect((await presentOf(scene)).map(({ user }) => user.id)).toEqual([scene.id('owner')]);
    },
  );

  test('may be away, as one says oneself', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const [reader, socket] = [await scene.socket('owner'), await scene.socket('viewer')];
    socket.send({ type: 'signal', name: 'presence', data: { status: 'away' } });
    await signalled(reader, 'presence', ({ user, data }) => user.id === scene.id('viewer') && data.status === 'away');
    const viewer = (await presentOf(scene)).find(({ user }) => user.id === scene.id('viewer'));
    expect(viewer).toMatchObject({ status: 'away' });
  });
}
