import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RELAY_DURABLE } from '../../consumers/relay/relay.ts';
import { sign } from '../../consumers/runtime/signed-post.ts';
import { COMMAND_BYTES_MAX } from '../../consumers/runtime/streams.ts';
import { Backend, type BackendCommand } from '../support/backend.ts';
import { SIGNATURE_HEADER, TIMESTAMP_HEADER } from '../../shared/contract/internal.ts';
import { COMMANDS_STREAM, FROM_EDGE, FROM_HEADER, signalsSubject } from '../../shared/contract/subjects.ts';
import { readEvents, SessionSocket, sessionPath, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const ACTOR = { id: 'bot', kind: 'agent' };
const SESSIONS = ['fifo-1', 'fifo-2', 'fifo-3'];
/** per session, half of it before the edge is killed */
const COMMANDS = 60;

let stack: Stack;
let backend: Backend;
/** as a backend over HTTP does: a service that acts for the same one */
let bot: User;

const send = (text: string, more: Partial<BackendCommand> = {}): BackendCommand => ({
  command: 'message.send',
  data: { text },
  actor: ACTOR,
  ...more,
});

async function texts(sessionId: string): Promise<string[]> {
  const { events } = await readEvents(bot.http, sessionId);
  return events.flatMap(({ type, data }) => (type === 'message.created' ? [(data as { text: string }).text] : []));
}

/** undefined while NATS is away */
async function settled<T>(attempt: Promise<T>): Promise<T | undefined> {
  return await attempt.catch(() => undefined);
}

async function tried(attempt: Promise<void>): Promise<boolean> {
  return (await settled(attempt.then(() => true))) ?? false;
}

/** What a door says, without what is of the moment. */
function essence(body: unknown): Record<string, unknown> {
  const { commandId, eventId, entityId, correlationId, acceptedAt, retryAfterMs, seq, ...rest } = body as Record<string, unknown>;
  return {
    ...rest,
    members: [commandId, eventId, entityId, correlationId, acceptedAt, retryAfterMs, seq].map((each) => typeof each),
  };
}

requireOrSkip('nats-server', natsServerMissing())('backends over NATS', () => {
  beforeAll(async () => {
    stack = await startStack({ env: { LIMIT_COMMANDS_PER_S: '2000', LIMIT_COMMANDS_BURST: '2000' } });
    bot = new User(stack.url, await stack.token('bot', { kind: 'agent', scope: 'service' }));
    backend = await Backend.connect(stack.nats);
    await backend.ready();
    for (const sessionId of SESSIONS) {
      await backend.ask(sessionId, { command: 'session.create', data: { title: 'By NATS' }, actor: ACTOR });
    }
  });
  afterAll(async () => {
    await backend?.close();
    await bot?.close();
    await stack?.stop();
  });

  test('create the session of the subject, and are answered as over HTTP', async () => {
    const { body, headers } = await backend.ask('made-1', {
      command: 'session.create',
      data: { title: 'By NATS' },
      actor: { ...ACTOR, name: 'Bot' },
      commandId: 'given-1',
      correlationId: 'correlation-1',
    });
    expect(headers['Content-Type']).toBe('application/json');
    expect(body).toMatchObject({
      commandId: 'given-1',
      sessionId: 'made-1',
      entityId: 'made-1',
      seq: 1,
      correlationId: 'correlation-1',
    });
    const { events } = await readEvents(bot.http, 'made-1');
    expect(events[0]).toMatchObject({ causationid: 'given-1', correlationid: 'correlation-1', actor: 'bot', actorkind: 'agent' });
    expect(await bot.persisted('made-1', 'given-1')).toMatchObject({ type: 'session.create' });
  });

  test('end the same by NATS, by socket and by HTTP, refused or taken', async () => {
    const path = `${sessionPath('fifo-1')}/messages`;
    const watched = await bot.watch('fifo-1');
    const cases: [data: Record<string, unknown>, code: string | undefined][] = [
      [{ text: 'hello' }, undefined],
      [{ text: ' ' }, 'message_empty'],
      [{ text: 'x'.repeat(50_001) }, 'message_too_long'],
      [{ text: 'a', surprise: 1 }, 'invalid_request'],
      [{ text: 'a', parentId: 'nobody' }, 'message_not_found'],
      [{ text: 'a', metadata: { large: 'x'.repeat(9_000) } }, 'invalid_request'],
    ];
    for (const [data, code] of cases) {
      const http = await bot.http.request('POST', path, { body: data });
      const nats = await backend.ask('fifo-1', send('', { data }));
      const socket = await watched.socket.command('message.send', data, crypto.randomUUID());
      expect((http.body as { code?: string }).code).toBe(code);
      expect(essence(nats.body)).toEqual(essence(http.body));
      expect(socket.kind).toBe(code === undefined ? 'ack' : 'reject');
      if (socket.kind === 'reject') expect(essence(socket.problem)).toEqual(essence(nats.body));
      if (socket.kind === 'ack') expect(essence(socket.accepted)).toEqual(essence(nats.body));
    }
    const stranger = await backend.ask('fifo-1', send('a', { actor: { id: 'mallory', kind: 'user' } }));
    expect(stranger.body).toMatchObject({ code: 'session_not_found', status: 404 });
  });

  test('share their keys with the other doors', async () => {
    const key = crypto.randomUUID();
    const http = await bot.http.request('POST', `${sessionPath('fifo-1')}/messages`, {
      body: { text: 'once' },
      idempotencyKey: key,
    });
    const again = await backend.ask('fifo-1', send('once'), { 'Millrace-Idempotency-Key': key });
    expect(again.body).toEqual(http.body);
    expect(again.headers['Idempotent-Replayed']).toBe('true');
    const other = await backend.ask('fifo-1', send('twice'), { 'Millrace-Idempotency-Key': key });
    expect(other.body).toMatchObject({ code: 'idempotency_key_reused', status: 422 });
    expect((await texts('fifo-1')).filter((text) => text === 'once')).toHaveLength(1);
  });

  test('find what was refused as a dead letter, as it came', async () => {
    const payload = '{"command":"message.send",  "data":{"text":"\\n"},"actor":{"id":"bot","kind":"agent"}}';
    await backend.ask('fifo-1', payload, { 'X-Own': 'kept' });
    await backend.publish('fifo-1', 'no JSON at all');
    await until('both are buried', async () => (await backend.letters()).some(({ body }) => body === 'no JSON at all'));
    const letters = await backend.letters();
    const letter = letters.find(({ body }) => body === payload);
    expect(letter?.headers).toMatchObject({
      'Millrace-Reason': 'message_empty',
      'Millrace-Attempts': '1',
      'Millrace-Subject': 'millrace.commands.default.fifo-1',
      'X-Own': 'kept',
    });
    expect(letter?.headers['Millrace-Error']).toContain('white space');
    expect(Number(letter?.headers['Millrace-Stream-Seq'])).toBeGreaterThan(0);
    expect(Date.parse(letter?.headers['Millrace-First-Failed-At'] ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(letter?.headers).not.toHaveProperty('Millrace-Original-Nats-Pin-Id');
    expect(await backend.waiting()).toBe(0);
  });

  test('find a large refused command whole, and may not publish what a dead letter could not hold', async () => {
    const large = JSON.stringify(send('x'.repeat(700_000)));
    expect((await backend.ask('fifo-1', large)).body).toMatchObject({ code: 'message_too_long' });
    const largest = JSON.stringify(send('')).padEnd(COMMAND_BYTES_MAX - 500, ' ');
    expect((await backend.ask('fifo-1', largest)).body).toMatchObject({ code: 'message_empty' });
    const bodies = (await backend.letters()).map(({ body }) => body);
    expect([bodies.includes(large), bodies.includes(largest)]).toEqual([true, true]);
    await expect(backend.publish('fifo-1', ' '.repeat(COMMAND_BYTES_MAX + 1))).rejects.toThrow(/maximum/);
  });

  test('are not harmed by a signed call that somebody repeats', async () => {
    const command = {
      tenant: 'default',
      sessionId: 'fifo-1',
      idempotencyKey: 'listened-in',
      payload: JSON.stringify(send('said once')),
    };
    const body = JSON.stringify({ v: 1, commands: [command] });
    const timestamp = String(Date.now());
    const signature = sign(stack.secrets.internalSecret, timestamp, body);
    const headers = { [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: signature };
    const call = async (text: string): Promise<unknown> =>
      await (await fetch(`${stack.url}/internal/commands`, { method: 'POST', headers, body: text })).json();
    const first = await call(body);
    expect(first).toMatchObject({ outcomes: [{ kind: 'accepted' }] });
    const { outcomes } = first as { outcomes: object[] };
    expect(await call(body)).toEqual({ outcomes: [{ ...outcomes[0], replayed: true }] });
    expect(await call(body.replace('listened-in', 'another-key'))).toMatchObject({ code: 'unauthenticated' });
    expect((await texts('fifo-1')).filter((text) => text === 'said once')).toHaveLength(1);
  });

  test('may not have a reply published as an event or a command', async () => {
    const before = await texts('fifo-2');
    const forged = send('forged');
    await backend.publish('fifo-2', forged, { 'Millrace-Reply': 'millrace.events.default.message.created.fifo-2' });
    await until('it is buried', async () => (await backend.letters()).some(({ body }) => body === JSON.stringify(forged)));
    expect(await texts('fifo-2')).toEqual(before);
  });

  test('stream a message by signals, are told to stop it, and end it', async () => {
    const reader = new User(stack.url, await stack.token('ann'));
    await backend.ask('fifo-3', { command: 'member.put', data: { userId: 'ann', role: 'owner' }, actor: ACTOR });
    const signals: { name: string; data?: unknown }[] = [];
    const socket = new SessionSocket({
      http: reader.http,
      sessionId: 'fifo-3',
      onEvent: () => {},
      onFault: () => {},
      onSignal: (frame) => signals.push(frame),
    });
    await socket.open();
    const heard: unknown[] = [];
    const listening = backend.connection.subscribe(signalsSubject('default', 'fifo-3'), {
      callback: (_error, message) => void (message.headers?.get(FROM_HEADER) === FROM_EDGE && heard.push(message.json())),
    });
    await backend.connection.flush();
    const started = await backend.ask('fifo-3', { command: 'stream.start', data: { messageId: 'streamed' }, actor: ACTOR });
    expect(started.body).toMatchObject({ entityId: 'streamed', eventId: null });
    const chunks = ['Once ', 'upon ', 'a ', 'time'];
    for (const [index, text] of chunks.entries()) {
      backend.signal('fifo-3', { name: 'stream', actor: ACTOR, data: { messageId: 'streamed', index, text } });
    }
    backend.signal('fifo-3', { name: 'typing', actor: ACTOR, data: { active: true } });
    const streamed = (): string =>
      signals.flatMap(({ name, data }) => (name === 'stream' ? [(data as { text: string }).text] : [])).join('');
    await until('all was seen', () => streamed() === chunks.join('') && signals.some(({ name }) => name === 'typing'));
    await reader.http.expect(202, 'POST', `${sessionPath('fifo-3')}/streams/streamed/cancel`, { body: { reason: 'enough' } });
    await until('the backend is told', () => heard.length > 0);
    expect(heard).toMatchObject([{ name: 'cancel', data: { messageId: 'streamed', reason: 'enough' } }]);
    expect(await reader.message('fifo-3', 'streamed')).toMatchObject({ status: 'cancelled', text: 'Once upon a time' });
    listening.unsubscribe();
    await socket.close();
    await reader.close();
  });

  test('go on when the durable was deleted', async () => {
    const manager = await jetstreamManager(backend.connection);
    await manager.consumers.delete(COMMANDS_STREAM, RELAY_DURABLE);
    expect((await backend.ask('fifo-2', send('after the deletion'))).body).toMatchObject({ sessionId: 'fifo-2' });
  });

  test('keep the order of a session while NATS is killed', async () => {
    const before = await texts('fifo-2');
    const sent: string[] = [];
    for (let at = 0; at < COMMANDS; at += 1) {
      const text = `nats ${at}`;
      // with a message id, so that a publication whose answer was lost may be repeated
      await until(
        `${text} is published`,
        async () => await tried(backend.publish('fifo-2', send(text), { 'Nats-Msg-Id': text })),
      );
      sent.push(text);
      if (at === COMMANDS / 2) stack.kill('nats', 'SIGKILL');
    }
    await until('all are settled', async () => (await settled(backend.waiting())) === 0, 90_000);
    expect(await texts('fifo-2')).toEqual([...before, ...sent]);
  });

  test('keep the order of each session while the edge is killed, with nothing lost or doubled', async () => {
    const sent = Object.fromEntries(SESSIONS.map((sessionId) => [sessionId, [] as string[]]));
    const before = Object.fromEntries(await Promise.all(SESSIONS.map(async (each) => [each, await texts(each)] as const)));
    for (let at = 0; at < COMMANDS; at += 1) {
      for (const sessionId of SESSIONS) {
        const text = `${sessionId} ${at}`;
        sent[sessionId]?.push(text);
        await backend.publish(sessionId, send(text));
      }
      if (at === COMMANDS / 2) stack.kill('workerd', 'SIGKILL');
    }
    await until('the edge was killed', () => stack.said.some((line) => /edge died/.test(line)));
    await stack.edgeReady();
    await until('all are settled', async () => (await backend.waiting()) === 0, 90_000);
    for (const sessionId of SESSIONS)
      expect(await texts(sessionId)).toEqual([...(before[sessionId] ?? []), ...(sent[sessionId] ?? [])]);
  });

  test('are held back by a rate, and never buried for it', async () => {
    const own = await startStack({ env: { LIMIT_COMMANDS_PER_S: '10', LIMIT_COMMANDS_BURST: '5' } });
    const bursts = await Backend.connect(own.nats);
    try {
      await bursts.ready();
      await bursts.ask('paced', { command: 'session.create', data: { title: 'Paced' }, actor: ACTOR });
      const startMs = Date.now();
      for (let at = 0; at < 25; at += 1) await bursts.publish('paced', send(`${at}`));
      await until('all are settled', async () => (await bursts.waiting()) === 0);
      // 25 commands at 10/s, of which the burst may go at once
      expect(Date.now() - startMs).toBeGreaterThan(1_500);
      const reader = new User(own.url, await own.token('bot', { kind: 'agent' }));
      const { events } = await readEvents(reader.http, 'paced');
      expect(events.slice(1).map(({ data }) => (data as { text: string }).text)).toEqual(
        Array.from({ length: 25 }, (_none, at) => `${at}`),
      );
      expect(await bursts.letters()).toEqual([]);
    } finally {
      await bursts.close();
      await own.stop();
    }
  });
});
