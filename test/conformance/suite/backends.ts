import { connect } from '@nats-io/transport-node';
import { describe, expect, test, type TestContext } from 'vitest';
import { z } from 'zod';
import { passThrough } from '../doors.ts';
import { eventually } from '../eventually.ts';
import { letterHeaders, natsActor, signalOf, type Backend, type Published } from '../nats.ts';
import { commandStatus, result, socketProblem } from '../schemas.ts';
import { Scene, type RoleName, type World } from '../scene.ts';
import { hasNats } from '../target.ts';

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** What a backend sees and does by NATS (contract §5). */
export function backendSuite(world: World): void {
  const backend = (): Backend => {
    if (world.backend === undefined) throw new Error('no NATS address is known');
    return world.backend;
  };
  const make = async (onTestFinished: TestContext['onTestFinished']): Promise<Scene> => {
    const scene = await Scene.make(world);
    onTestFinished(() => scene.end());
    return scene;
  };
  const open = hasNats() ? describe : describe.skip;
  open('JetStream', () => streamTests(backend, make));
  open('a command by NATS', () => {
    commandTests(world, backend, make);
    letterTests(backend, make);
  });
  open('signals by NATS', () => signalTests(world, backend, make));
  open('receipts', () => receiptTests(backend, make));
}

type Make = (onTestFinished: TestContext['onTestFinished']) => Promise<Scene>;
type GetBackend = () => Backend;

function streamTests(backend: GetBackend, make: Make): void {
  test('has every event as HTTP has it, with subject and headers', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    await scene.message('member', { text: 'one' });
    await scene.message('agent', { text: 'two', mentions: [scene.id('owner')] });
    await scene.act('owner', 'session.archive');
    const events = await scene.events();
    expect(await backend().events('default', scene.sessionId, 4)).toEqual(events);
    const stored = await backend().stored('MILLRACE_EVENTS', `millrace.events.default.*.*.${scene.sessionId}`, 4);
    for (const each of stored) {
      const { id, type } = z.object({ id: z.string(), type: z.string() }).parse(JSON.parse(each.data));
      expect(each.subject).toBe(`millrace.events.default.${type}.${scene.sessionId}`);
      expect([each.header('Nats-Msg-Id'), each.header('Content-Type')]).toEqual([id, 'application/cloudevents+json']);
    }
  });
}

function commandTests(world: World, backend: GetBackend, make: Make): void {
  const published = (scene: Scene, as: RoleName, command: string, data: unknown): Published => ({
    command,
    data,
    actor: natsActor(scene.people[as]),
  });

  test('carries its ids and trace to the event, and its actor', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const commandId = crypto.randomUUID();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const payload = {
      ...published(scene, 'agent', 'message.send', { text: 'x', role: 'assistant' }),
      commandId,
      correlationId: 'by-nats',
      traceparent,
    };
    const taken = result.parse(await backend().command('default', scene.sessionId, payload));
    expect(taken).toMatchObject({ commandId, correlationId: 'by-nats', seq: 2 });
    const event = await scene.eventAt(2);
    expect(event).toMatchObject({
      causationid: commandId,
      correlationid: 'by-nats',
      actor: scene.id('agent'),
      actorkind: 'agent',
      actorname: 'An agent',
    });
    expect(event.traceparent).toContain('0af7651916cd43dd8448eb211c80319c');
    expect(await scene.read('agent', `/commands/${commandId}`, commandStatus)).toMatchObject({ type: 'message.send', seq: 2 });
  });

  test('is taken in the stream’s order per session', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    for (let at = 0; at < 30; at += 1) {
      const payload = JSON.stringify(published(scene, 'member', 'message.send', { text: `m ${at}` }));
      await backend().publish('default', scene.sessionId, payload);
    }
    await eventually('all are taken', async () => (await scene.head()) === 31);
    const texts = (await scene.events()).slice(1).map(({ data }) => (data as { text: string }).text);
    expect(texts).toEqual(Array.from({ length: 30 }, (_, at) => `m ${at}`));
  });

  test('belongs to the tenant of its subject', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const id = crypto.randomUUID();
    const payload = { command: 'session.create', data: { id, title: 'Elsewhere' }, actor: natsActor(scene.people.owner) };
    expect(result.parse(await backend().command('another-tenant', id, payload)).sessionId).toBe(id);
    const act = { as: scene.people.owner, sessionId: id, command: 'session.update', data: { title: 'x' } } as const;
    expect(await passThrough('http', world, act)).toMatchObject({ problem: { code: 'session_not_found' } });
    const [event] = await backend().events('another-tenant', id, 1);
    expect(event).toMatchObject({ tenant: 'another-tenant', type: 'session.created' });
  });
}

function letterTests(backend: GetBackend, make: Make): void {
  test('that is refused is answered with the problem, and kept as a dead letter', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const payload = {
      command: 'message.send',
      data: { text: '' },
      actor: natsActor(scene.people.member),
      correlationId: `refused-${scene.sessionId}`,
    };
    const refused = socketProblem.parse(await backend().command('default', scene.sessionId, payload));
    expect(refused).toMatchObject({ code: 'message_empty', status: 400, correlationId: payload.correlationId });
    const letter = await backend().deadLetter('relay', (each) => each.string().includes(payload.correlationId));
    expect(letter.json()).toEqual(payload);
    expect(letterHeaders(letter)).toMatchObject({
      Subject: `millrace.commands.default.${scene.sessionId}`,
      Attempts: expect.stringMatching(/^\d+$/) as unknown,
      'Stream-Seq': expect.stringMatching(/^\d+$/) as unknown,
      'First-Failed-At': expect.stringMatching(TIME) as unknown,
    });
    expect(letter.header.get('Millrace-Reply')).not.toBe('');
  });

  test('that is no command at all is a dead letter, and holds up nobody', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const mark = `no json ${scene.sessionId}`;
    await backend().publish('default', scene.sessionId, mark);
    await backend().publish('default', scene.sessionId, JSON.stringify({ command: 'message.send', data: { text: mark } }));
    const payload = { command: 'message.send', data: { text: 'after it' }, actor: natsActor(scene.people.member) };
    expect(result.parse(await backend().command('default', scene.sessionId, payload)).seq).toBe(2);
    const letter = await backend().deadLetter('relay', (each) => each.string() === mark);
    expect(letterHeaders(letter).Reason).not.toBe('');
    // it names none itself
    expect(letter.header.get('Millrace-Correlation-Id')).not.toBe('');
    await backend().deadLetter('relay', (each) => each.string() !== mark && each.string().includes(mark));
  });
}

function signalTests(world: World, backend: GetBackend, make: Make): void {
  test('token chunks and typing of backends reach the sockets', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const reader = await scene.socket('viewer');
    const subject = `millrace.signals.default.${scene.sessionId}`;
    const actor = natsActor(scene.people.agent);
    const messageId = await scene.stream('agent');
    const publish = (name: string, data: object): void =>
      backend().connection.publish(subject, JSON.stringify({ name, actor, data }));
    publish('typing', { active: true });
    for (const [index, text] of ['a ', 'b ', 'c'].entries()) publish('stream', { messageId, index, text });
    await eventually('typing', () => reader.signals('typing').some(({ user }) => user.id === scene.id('agent')));
    const text = (): string =>
      reader
        .signals('stream')
        .map(({ data }) => data.text)
        .join('');
    await eventually('the chunks', () => text() === 'a b c');
    await scene.act('agent', 'stream.finish', { messageId, status: 'completed', text: 'a b c' });
    await reader.seen(2);
  });

  test('a cancel goes to the backends', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    if (world.target.natsUrl === undefined) throw new Error('no NATS address is known');
    const connection = await connect({ servers: world.target.natsUrl });
    onTestFinished(() => connection.close());
    const heard: unknown[] = [];
    connection.subscribe(`millrace.signals.default.${scene.sessionId}`, {
      callback: (_error, message) => void heard.push(signalOf(message)),
    });
    await connection.flush();
    const messageId = await scene.stream('agent');
    await scene.act('owner', 'stream.cancel', { messageId, reason: 'enough' });
    const cancel = await eventually('the cancel', () => heard.find((each) => (each as { name?: string }).name === 'cancel'));
    expect(cancel).toMatchObject({ name: 'cancel', data: { messageId, reason: 'enough' } });
  });
}

const receipt = z.looseObject({
  sessionId: z.string(),
  seqs: z.array(z.union([z.int(), z.tuple([z.int(), z.int()])])),
  publishedAt: z.unknown(),
  persistedAt: z.unknown(),
});

function receiptTests(backend: GetBackend, make: Make): void {
  const persisted = async (scene: Scene): Promise<z.infer<typeof commandStatus>> => {
    const { commandId } = await scene.act('member', 'message.send', { text: 'x' });
    const ask = async () => scene.read('member', `/commands/${commandId}`, commandStatus);
    await eventually('it is persisted', async () => (await ask()).status === 'persisted', 60_000);
    return ask();
  };

  test('make a command persisted, at times that rise', async ({ onTestFinished }) => {
    const { acceptedAt, publishedAt = '', persistedAt = '' } = await persisted(await make(onTestFinished));
    expect([acceptedAt, publishedAt, persistedAt].toSorted()).toEqual([acceptedAt, publishedAt, persistedAt]);
    for (const at of [publishedAt, persistedAt]) expect(at).not.toBe('');
  });

  // the stream is not made yet: this says so, and fails once it is there and the word `fails` still stands here
  test('are told on a stream of their own', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    await persisted(scene);
    const stored = await backend().stored('MILLRACE_RECEIPTS', `millrace.receipts.default.${scene.sessionId}`, 1);
    const told = stored.flatMap(({ data }) => receipt.parse(JSON.parse(data)).seqs.flatMap((each) => each));
    expect(told.length).toBeGreaterThan(0);
    expect(Math.max(...told)).toBeLessThanOrEqual(2);
  });
}
