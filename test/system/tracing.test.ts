import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeadLetterAnswer } from '../../shared/contract/admin.ts';
import { Backend } from '../support/backend.ts';
import { sessionPath, until, User, type Watched } from '../support/client.ts';
import { ConsumerProcess } from '../support/consumer-processes.ts';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** One trace per command, by every door, with real processes and a collector of the test's own. */

const SESSION = 'traced';
const SPANS_MS_MAX = 90_000;
const REASON = 'millrace.dead_letter.reason';
const SECRET_TEXT = 'the words that nobody may find in a span';
const COLLECTOR_KEY = 'key-of-the-collector';

let stack: Stack;
let collector: OtlpReceiver;
let history: ConsumerProcess;
let others: ConsumerProcess;
let alice: User;
let bob: User;
let watched: Watched;
let backend: Backend;

/** what every command that becomes an event passes, whatever its door */
const COMMON = [
  'edge execute message.send',
  'edge fan-out',
  'edge send MILLRACE_EVENTS',
  'consumers process history',
  'consumers BATCH history',
  'consumers send receipt',
  'edge take receipt',
  'consumers process search',
  'consumers BATCH search',
];

const ADMIN = ['edge POST /v1/admin/dead-letters/{id}/redrive', 'edge request millrace.admin', 'consumers answer millrace.admin'];

const titleOf = ({ service, name }: ReceivedSpan): string => `${service.replace('millrace-', '')} ${name}`;

function newTrace(): { traceId: string; callerId: string; traceparent: string } {
  const [traceId, callerId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, callerId, traceparent: `00-${traceId}-${callerId}-01` };
}

/** The spans of a trace once all of `titles` are there. */
async function traceWith(traceId: string, titles: readonly string[]): Promise<ReceivedSpan[]> {
  const missing = (): string[] => titles.filter((title) => !collector.trace(traceId).map(titleOf).includes(title));
  await until(`${titles.length} spans`, () => missing().length === 0, SPANS_MS_MAX).catch(() => {
    throw new Error(`no ${missing().join(', ')} beside ${collector.trace(traceId).map(titleOf).join(', ')}`);
  });
  return collector.trace(traceId);
}

/** Each span hangs on another of the same trace, or on the caller's. */
function expectConnected(spans: readonly ReceivedSpan[], callerId: string): void {
  const ids = new Set(spans.map(({ spanId }) => spanId).concat(callerId));
  expect(ids.size, 'ids of spans are unique').toBe(spans.length + 1);
  expect(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)).map(titleOf)).toEqual([]);
  for (const span of spans) expect(span.endMs, titleOf(span)).toBeGreaterThanOrEqual(span.startMs);
}

const named = (spans: readonly ReceivedSpan[], title: string): ReceivedSpan => {
  const found = spans.find((span) => titleOf(span) === title);
  if (found === undefined) throw new Error(`there is no span ${title}`);
  return found;
};

/** The trace that a span with this correlation id began: of a caller that named none. */
async function traceOf(correlationId: string): Promise<string> {
  const head = await until(
    `a span of ${correlationId}`,
    () => collector.spans.find(({ attributes }) => attributes['millrace.correlation_id'] === correlationId),
    SPANS_MS_MAX,
  );
  return head.traceId;
}

requireOrSkip('nats-server', natsServerMissing())('tracing', () => {
  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    stack = await startStack({
      parts: ['nats', 'edge'],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${COLLECTOR_KEY}`,
        OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      },
    });
    history = await ConsumerProcess.start(stack, 'test/support/poisoned-history.ts');
    others = await ConsumerProcess.roles(stack, 'query,admin,relay,search');
    alice = new User(stack.url, await stack.token('alice'));
    bob = new User(stack.url, await stack.token('bob'));
    await alice.create({ id: SESSION, title: 'Traced', members: [{ userId: 'bob', role: 'member' }] });
    watched = await bob.watch(SESSION);
    backend = await Backend.connect(stack.nats);
    await backend.ready();
  });
  afterAll(async () => {
    await bob?.close();
    await backend?.close();
    await history?.stop();
    await others?.stop();
    await stack?.stop();
    await collector?.stop();
  });

  test('P10 of a command over HTTP is one trace, from its request to the database, its receipt and a peer’s socket', async () => {
    const { traceId, callerId, traceparent } = newTrace();
    const reply = await alice.http.expect(202, 'POST', `${sessionPath(SESSION)}/messages`, {
      body: { text: SECRET_TEXT },
      headers: { traceparent, 'X-Correlation-Id': 'over-http' },
    });
    expect(reply.headers.get('traceparent')).toBe(traceparent);
    const route = 'edge POST /v1/sessions/{s}/messages';
    const spans = await traceWith(traceId, [route, ...COMMON]);
    expectConnected(spans, callerId);
    expect(named(spans, route)).toMatchObject({ parentSpanId: callerId, isError: false });
    expect(named(spans, route).attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v1/sessions/{s}/messages',
      'http.response.status_code': 202,
      'millrace.correlation_id': 'over-http',
    });
    const executed = named(spans, 'edge execute message.send');
    expect(executed.parentSpanId).toBe(named(spans, route).spanId);
    expect(executed.attributes).toMatchObject({ 'millrace.outcome': 'accepted', 'millrace.session.id': SESSION });
    expect(named(spans, 'edge fan-out').attributes).toMatchObject({ 'millrace.sockets': 1 });
    expect(named(spans, 'consumers BATCH history')).toMatchObject({
      parentSpanId: named(spans, 'consumers process history').spanId,
      attributes: { 'db.system.name': 'sqlite', 'db.operation.name': 'BATCH' },
    });
    expect(named(spans, 'edge take receipt').parentSpanId).toBe(named(spans, 'consumers send receipt').spanId);
    // the event, and so every row and dead letter, names the command that caused it
    const event = await until('the event at its peer', () =>
      watched.events.find((each) => each['correlationid'] === 'over-http'),
    );
    expect(event).toMatchObject({ traceparent: `00-${traceId}-${executed.spanId}-01` });
    // the batch has a trace of its own, and both know each other
    const [link] = named(spans, 'consumers process history').links;
    const batch = await until('the batch', () => collector.spans.find(({ spanId }) => spanId === link?.spanId), SPANS_MS_MAX);
    expect(batch.traceId).not.toBe(traceId);
    expect(batch.links).toContainEqual({ ...batch.links[0], traceId, spanId: executed.spanId });
  });

  test('P10 of a command over a socket that names no trace, one begins with its frame', async () => {
    const frame = {
      type: 'command',
      id: 'f1',
      command: 'message.send',
      data: { text: SECRET_TEXT },
      correlationId: 'over-socket',
    };
    watched.socket.sendRaw(JSON.stringify(frame));
    const traceId = await traceOf('over-socket');
    const spans = await traceWith(traceId, ['edge frame message.send', ...COMMON]);
    const head = named(spans, 'edge frame message.send');
    expect(head.parentSpanId).toBe('');
    expect(head.attributes).toMatchObject({ 'millrace.door': 'socket' });
    expectConnected(spans, '');
  });

  test('P10 of a command over NATS, with a trace of its backend and without', async () => {
    const { traceId, callerId, traceparent } = newTrace();
    const command = { command: 'message.send', data: { text: SECRET_TEXT }, actor: { id: 'alice', kind: 'user' } };
    const titles = ['consumers process MILLRACE_COMMANDS', 'edge command message.send', ...COMMON];
    await backend.ask(SESSION, { ...command, traceparent });
    expectConnected(await traceWith(traceId, titles), callerId);

    await backend.ask(SESSION, { ...command, correlationId: 'over-nats' });
    const spans = await traceWith(await traceOf('over-nats'), titles);
    expectConnected(spans, '');
    const head = named(spans, 'consumers process MILLRACE_COMMANDS');
    expect(head).toMatchObject({ parentSpanId: '', attributes: { 'messaging.system': 'nats', 'millrace.door': 'nats' } });
  });

  test('P10 of a command whose event ended as a dead letter, and of its redrive', async () => {
    const { traceId, callerId, traceparent } = newTrace();
    const sent = await alice.http.expect(202, 'POST', `${sessionPath(SESSION)}/messages`, {
      body: { text: 'poison that throws' },
      headers: { traceparent, 'X-Correlation-Id': 'poisoned' },
    });
    const { commandId } = sent.body as { commandId: string };
    const titles = ['edge execute message.send', 'consumers send MILLRACE_DEAD_LETTERS', 'edge take receipt'];
    const spans = await traceWith(traceId, titles);
    expectConnected(spans, callerId);
    const failed = spans.filter((span) => titleOf(span) === 'consumers process history');
    expect(failed.length).toBeGreaterThan(1);
    expect(failed.every(({ isError }) => isError)).toBe(true);
    expect(named(spans, 'consumers send MILLRACE_DEAD_LETTERS').parentSpanId).toBe(
      failed.find(({ attributes }) => attributes['error.type'] === 'retries_exhausted')?.spanId,
    );
    expect(named(spans, 'edge take receipt').attributes).toMatchObject({ [REASON]: 'retries_exhausted' });
    const buried = history.output.split('\n').find((line) => line.includes('"msg":"dead letter"')) ?? '{}';
    expect(JSON.parse(buried)).toMatchObject({ correlationId: 'poisoned', trace_id: traceId });

    await history.stop();
    history = await ConsumerProcess.roles(stack, 'history');
    const olga = new User(stack.url, await stack.token('olga', { scope: 'admin' }));
    const list = await olga.http.expect(200, 'GET', '/v1/admin/dead-letters?consumer=history');
    const [letter] = (list.body as { items: DeadLetterAnswer[] }).items;
    await olga.http.expect(200, 'POST', `/v1/admin/dead-letters/${letter?.id}/redrive`);
    expect(await alice.status(SESSION, commandId)).toMatchObject({ status: 'persisted' });
    const isRedriven = ({ attributes, name }: ReceivedSpan): boolean =>
      name === 'process history' && attributes['millrace.redriven'] === true;
    const redriven = await until('the redrive', () => collector.trace(traceId).find(isRedriven), SPANS_MS_MAX);
    // who asked for it has a trace of their own
    const asked = await traceWith(redriven.links[0]?.traceId ?? '', ADMIN);
    expect(redriven.links[0]?.spanId).toBe(named(asked, 'consumers answer millrace.admin').spanId);
    expectConnected(asked, '');
    await until(
      'its receipt',
      () => collector.trace(traceId).some((span) => span.name === 'take receipt' && !(REASON in span.attributes)),
      SPANS_MS_MAX,
    );
    expectConnected(collector.trace(traceId), callerId);
  });

  test('P10 of a command over NATS that was refused, and published again from its dead letter', async () => {
    const command = { command: 'message.send', data: { text: SECRET_TEXT }, actor: { id: 'carol', kind: 'user' } };
    const { body } = await backend.ask(SESSION, { ...command, correlationId: 'refused' });
    expect(body).toMatchObject({ code: 'session_not_found' });
    const traceId = await traceOf('refused');
    const spans = await traceWith(traceId, ['consumers process MILLRACE_COMMANDS', 'edge command message.send']);
    expectConnected(spans, '');
    const relayed = named(spans, 'consumers process MILLRACE_COMMANDS');
    expect(relayed).toMatchObject({ isError: true, attributes: { 'error.type': 'session_not_found' } });
    const [letter] = await backend.letters();
    expect(letter?.headers['traceparent']).toBe(`00-${traceId}-${relayed.spanId}-01`);

    await alice.command('PUT', `${sessionPath(SESSION)}/members/carol`, { role: 'member' });
    const olga = new User(stack.url, await stack.token('olga', { scope: 'admin' }));
    const list = await olga.http.expect(200, 'GET', '/v1/admin/dead-letters?consumer=relay');
    const [listed] = (list.body as { items: DeadLetterAnswer[] }).items;
    await olga.http.expect(200, 'POST', `/v1/admin/dead-letters/${listed?.id}/redrive`);
    expectConnected(await traceWith(traceId, COMMON), '');
  });

  test('a question to a store is part of the trace of whoever asks', async () => {
    const { traceId, callerId, traceparent } = newTrace();
    await alice.http.expect(200, 'GET', '/v1/search?q=words', { headers: { traceparent } });
    const titles = ['edge GET /v1/search', 'edge request millrace.query.search', 'consumers answer millrace.query.search'];
    expectConnected(await traceWith(traceId, titles), callerId);
  });

  test('a trace that its caller does not record is not recorded here, and stays so for all behind', async () => {
    const { traceId, callerId } = newTrace();
    await alice.http.expect(202, 'POST', `${sessionPath(SESSION)}/messages`, {
      body: { text: SECRET_TEXT },
      headers: { traceparent: `00-${traceId}-${callerId}-00`, 'X-Correlation-Id': 'unrecorded' },
    });
    const event = await until('the event', () => watched.events.find((each) => each['correlationid'] === 'unrecorded'));
    expect(event).toMatchObject({ traceparent: expect.stringMatching(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`)) as string });
    // what came after it has long been recorded everywhere
    const after = newTrace();
    await alice.http.expect(202, 'POST', `${sessionPath(SESSION)}/messages`, {
      body: { text: SECRET_TEXT },
      headers: { traceparent: after.traceparent },
    });
    await traceWith(after.traceId, COMMON);
    expect(collector.trace(traceId)).toEqual([]);
  });

  test('a collector that refuses or hangs holds up nothing', async () => {
    for (const fault of [503, 'hang'] as const) {
      collector.fault = fault;
      const before = collector.bodies.length;
      await Promise.all(Array.from({ length: 20 }, async () => await alice.send(SESSION, SECRET_TEXT, {}, crypto.randomUUID())));
      const last = await alice.send(SESSION, SECRET_TEXT);
      expect(await alice.persisted(SESSION, last.commandId)).toMatchObject({ status: 'persisted' });
      await until('it was tried', () => collector.bodies.length > before, SPANS_MS_MAX);
    }
    collector.fault = undefined;
  });

  test('no span and no log line holds a text, a token or a key', async () => {
    const token = await stack.token('alice');
    const said = [...collector.bodies, history.output, others.output, ...stack.logs('edge'), ...stack.said].join('\n');
    const { jwtSecret, internalSecret } = stack.secrets;
    const secrets = [SECRET_TEXT, 'poison that', token.split('.')[2] ?? token, COLLECTOR_KEY, jwtSecret, internalSecret];
    for (const secret of secrets) expect(said).not.toContain(secret);
    expect(collector.headers.every((headers) => headers['x-api-key'] === COLLECTOR_KEY)).toBe(true);
  });
});
