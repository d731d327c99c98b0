import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENT_TYPES } from '../../shared/contract/event-schema.ts';
import type { OpenApiDocument } from '../../worker/openapi/document.ts';
import { Backend } from '../support/backend.ts';
import { sessionPath, until, User } from '../support/client.ts';
import { OpenApiChecker } from '../support/openapi.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** Answers of a running system, against the document that it serves. */

let stack: Stack;
let document: OpenApiDocument;
let checker: OpenApiChecker;

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

const S = sessionPath('described');

/** the one with the scope admin */
const OLGA = 'olga';

async function ask(who: string | undefined, method: string, path: string, body?: unknown, headers: object = {}): Promise<Answer> {
  const authorization =
    who === undefined ? {} : { Authorization: `Bearer ${await stack.token(who, who === OLGA ? { scope: 'admin' } : {})}` };
  const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const response = await fetch(`${stack.url}${path}`, {
    method,
    headers: { ...authorization, ...json, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const contentType = response.headers.get('Content-Type')?.split(';')[0] ?? '';
  const text = await response.text();
  const parsed: unknown = contentType.endsWith('json') ? JSON.parse(text) : text;
  const exchange = { method, path: path.split('?')[0] ?? '', status: response.status, contentType, body: parsed };
  expect(checker.faults(exchange), `${method} ${path}: ${text.slice(0, 600)}`).toEqual([]);
  return { status: response.status, body: parsed as Record<string, unknown> };
}

requireOrSkip('nats-server', natsServerMissing())('the document and what is answered', () => {
  beforeAll(async () => {
    stack = await startStack();
    document = (await (await fetch(`${stack.url}/v1/openapi.json`)).json()) as OpenApiDocument;
    checker = new OpenApiChecker(document);
    const alice = new User(stack.url, await stack.token('alice'));
    await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200);
  });
  afterAll(async () => stack?.stop());

  /** One after the other: each builds on what the ones before did. */
  const statuses = async (...rows: [status: number, ...Parameters<typeof ask>][]): Promise<void> => {
    for (const [status, ...asked] of rows) expect((await ask(...asked)).status, asked.slice(0, 3).join(' ')).toBe(status);
  };

  test('commands: taken, unchanged, repeated, refused', async () => {
    const members = [
      { userId: 'bob', role: 'member' },
      { userId: 'vera', role: 'viewer' },
    ];
    const created = { id: 'described', title: 'Described', members, metadata: { k: [1, null, { x: 'y' }] } };
    const text = { text: 'hello', id: 'm1', mentions: ['bob'], toolCallId: 'call', metadata: { a: 1 } };
    const key = { 'Idempotency-Key': 'k1' };
    const span = { spanId: 'a', name: 'search', kind: 'tool', startedAt: '2026-01-01T00:00:00Z', input: { q: 1 } };
    await statuses(
      [202, 'alice', 'POST', '/v1/sessions', created],
      [409, 'alice', 'POST', '/v1/sessions', created],
      [400, 'alice', 'POST', '/v1/sessions', {}],
      [202, 'alice', 'PATCH', S, { description: 'All of it' }],
      [403, 'bob', 'PATCH', S, { title: 'Mine' }],
      [202, 'alice', 'PUT', `${S}/members/eve`, { role: 'member' }],
      [202, 'alice', 'PUT', `${S}/members/eve`, { role: 'member' }],
      [409, 'alice', 'PUT', `${S}/members/alice`, { role: 'viewer' }],
      [202, 'alice', 'DELETE', `${S}/members/eve`],
      [404, 'alice', 'DELETE', `${S}/members/eve`],
      [202, 'bob', 'POST', `${S}/messages`, text, key],
    );
    await statuses(
      [202, 'bob', 'POST', `${S}/messages`, text, key],
      [422, 'bob', 'POST', `${S}/messages`, { text: 'another' }, key],
      [409, 'bob', 'POST', `${S}/messages`, text],
      [400, 'bob', 'POST', `${S}/messages`, { text: ' ' }],
      [400, 'bob', 'POST', `${S}/messages`, { text: 'x', colour: 'red' }],
      [413, 'bob', 'POST', `${S}/messages`, { text: 'x'.repeat(1024 * 1024) }],
      [415, 'bob', 'POST', `${S}/messages`, 'text=x', { 'Content-Type': 'text/plain' }],
      [401, undefined, 'POST', `${S}/messages`, text],
      [404, 'sam', 'POST', `${S}/messages`, { text: 'x' }],
      [202, 'alice', 'POST', `${S}/messages`, { text: 'a reply', parentId: 'm1', id: 'm2' }],
      [202, 'bob', 'PATCH', `${S}/messages/m1`, { text: 'hello again' }],
      [403, 'alice', 'PATCH', `${S}/messages/m1`, { text: 'x' }],
      [202, 'alice', 'DELETE', `${S}/messages/m2`],
      [404, 'alice', 'DELETE', `${S}/messages/none`],
      [202, 'vera', 'PUT', `${S}/read`, { seq: 1 }],
      [202, 'bob', 'POST', `${S}/streams`, { messageId: 'streamed' }],
      [202, 'bob', 'POST', `${S}/streams/streamed/chunks`, { index: 0, text: 'word' }],
      [409, 'bob', 'POST', `${S}/streams/streamed/chunks`, { index: 2, text: 'word' }],
      [404, 'bob', 'POST', `${S}/streams/none/chunks`, { index: 0, text: 'word' }],
      [202, 'bob', 'POST', `${S}/streams/streamed/finish`, { status: 'completed' }],
      [409, 'bob', 'POST', `${S}/streams/streamed/cancel`],
      [202, 'bob', 'POST', `${S}/streams`, { messageId: 'stopped' }],
      [202, 'bob', 'POST', `${S}/streams/stopped/cancel`, { reason: 'enough' }],
      [202, 'bob', 'PUT', `${S}/messages/m1/reactions/%F0%9F%91%8D`],
      [202, 'bob', 'PUT', `${S}/messages/m1/reactions/%F0%9F%91%8D`],
      [400, 'bob', 'PUT', `${S}/messages/m1/reactions/thumbsup`],
      [404, 'bob', 'PUT', `${S}/messages/m2/reactions/%F0%9F%91%8D`],
      [403, 'vera', 'DELETE', `${S}/messages/m1/reactions/%F0%9F%91%8D`],
      [202, 'alice', 'DELETE', `${S}/messages/m1/reactions/%F0%9F%91%8D`],
      [202, 'bob', 'POST', `${S}/traces`, { id: 't1', name: 'plan' }],
      [409, 'bob', 'POST', `${S}/traces`, { id: 't1', name: 'plan' }],
      [202, 'bob', 'POST', `${S}/traces/t1/spans`, span],
      [202, 'bob', 'POST', `${S}/traces/t1/spans`, { ...span, endedAt: span.startedAt, output: null }],
      [400, 'bob', 'POST', `${S}/traces/t1/spans`, { ...span, endedAt: '2025-01-01T00:00:00Z' }],
      [404, 'bob', 'POST', `${S}/traces/none/spans`, span],
      [202, 'bob', 'POST', `${S}/traces/t1/finish`, { status: 'failed', error: 'no net' }],
      [409, 'bob', 'POST', `${S}/traces/t1/finish`, { status: 'completed' }],
      [403, 'bob', 'DELETE', `${S}/traces/t1`],
      [202, 'alice', 'POST', `${S}/traces`, { id: 't2', name: 'gone' }],
      [202, 'alice', 'DELETE', `${S}/traces/t2`],
      [202, 'alice', 'POST', `${S}/archive`],
      [409, 'bob', 'POST', `${S}/messages`, { text: 'x' }],
      [202, 'alice', 'POST', `${S}/restore`],
    );
  });

  test('queries, tickets, documents', async () => {
    const sent = await ask('bob', 'POST', `${S}/messages`, { text: 'how far?' });
    const command = `${S}/commands/${String(sent.body['commandId'])}`;
    await until('it is persisted', async () => (await ask('bob', 'GET', command)).body['status'] === 'persisted');
    await until('it is found', async () => (await ask('bob', 'GET', '/v1/search?q=far')).body['total'] === 1);
    const page = await ask('vera', 'GET', `${S}/messages?limit=1`);
    await statuses(
      [200, 'vera', 'GET', S],
      [404, 'sam', 'GET', S],
      [404, 'vera', 'GET', `${S}/commands/none`],
      [200, 'vera', 'GET', `${S}/members?limit=1`],
      [200, 'vera', 'GET', `${S}/presence`],
      [200, 'vera', 'GET', `${S}/messages/stopped`],
      [200, 'vera', 'GET', `${S}/messages?limit=1&before=${String(page.body['nextCursor'])}`],
      [400, 'vera', 'GET', `${S}/messages?limit=0`],
      [200, 'vera', 'GET', `${S}/messages?parentId=m1`],
      [200, 'vera', 'GET', `${S}/messages/m1`],
      [200, 'vera', 'GET', `${S}/messages/m2`],
      [404, 'vera', 'GET', `${S}/messages/none`],
      [200, 'vera', 'GET', `${S}/traces`],
      [400, 'vera', 'GET', `${S}/traces?limit=0`],
      [404, 'sam', 'GET', `${S}/traces`],
      [200, 'vera', 'GET', `${S}/traces/t1`],
      [400, 'vera', 'GET', `${S}/traces/t1?cursor=x`],
      [404, 'vera', 'GET', `${S}/traces/t2`],
      [200, 'vera', 'GET', `${S}/events?limit=1000`],
      [409, 'vera', 'GET', `${S}/events?after=999`],
      [400, 'vera', 'GET', `${S}/events?after=x`],
      [201, 'vera', 'POST', `${S}/tickets`],
      [404, 'sam', 'POST', `${S}/tickets`],
      [426, 'vera', 'GET', `${S}/socket`],
      [200, 'bob', 'GET', '/v1/sessions?limit=1'],
      [400, 'bob', 'GET', '/v1/sessions?limit=0'],
      [400, 'bob', 'GET', '/v1/sessions?cursor=x'],
      [401, undefined, 'GET', '/v1/sessions'],
      [200, 'bob', 'GET', '/v1/search?q=far&limit=1'],
      [400, 'bob', 'GET', '/v1/search'],
      [400, 'bob', 'GET', '/v1/search?q=far&cursor=x'],
      [404, 'bob', 'GET', '/v1/search?q=far&sessionId=none'],
      [401, undefined, 'GET', '/v1/search?q=far'],
      [200, 'bob', 'GET', '/v1/inbox?after=0'],
      [400, 'bob', 'GET', '/v1/inbox?after=x'],
      [201, 'bob', 'POST', '/v1/inbox/tickets'],
      [426, 'bob', 'GET', '/v1/inbox/socket'],
      [200, undefined, 'GET', '/healthz'],
      [200, undefined, 'GET', '/readyz'],
      [200, undefined, 'GET', '/v1/openapi.json'],
      [200, undefined, 'GET', '/v1/asyncapi.json'],
      [200, undefined, 'GET', '/docs'],
      [200, undefined, 'GET', '/schemas/message.created/1'],
      [404, undefined, 'GET', '/schemas/message.created/99'],
    );
  });

  test('what operators ask', async () => {
    const letters = '/v1/admin/dead-letters';
    const backend = await Backend.connect(stack.nats);
    try {
      await backend.ready();
      // refused: a stranger
      for (const text of ['one', 'two'])
        await backend.ask('described', { command: 'message.send', data: { text }, actor: { id: 'sam', kind: 'user' } });
    } finally {
      await backend.close();
    }
    const { items } = (await ask(OLGA, 'GET', letters)).body as { items: { id: string }[] };
    const [first, second] = items.map(({ id }) => `${letters}/${id}`);
    await statuses(
      [200, OLGA, 'GET', `${letters}?limit=1&consumer=relay`],
      [400, OLGA, 'GET', `${letters}?cursor=x`],
      [403, 'alice', 'GET', letters],
      [401, undefined, 'GET', letters],
      [200, OLGA, 'GET', first ?? ''],
      [404, OLGA, 'GET', `${letters}/none`],
      [200, OLGA, 'POST', `${letters}/redrive`, { dryRun: true }],
      [400, OLGA, 'POST', `${letters}/redrive`, { ids: [] }],
      // a stranger still, and refused again
      [409, OLGA, 'POST', `${second}/redrive`],
      [202, 'alice', 'PUT', `${S}/members/sam`, { role: 'member' }],
      [200, OLGA, 'POST', `${second}/redrive`],
      [404, OLGA, 'POST', `${second}/redrive`],
      [200, OLGA, 'POST', `${first}/discard`],
      [404, OLGA, 'POST', `${first}/discard`],
      [403, 'alice', 'POST', `${first}/discard`],
      [200, OLGA, 'GET', '/v1/admin/log'],
      [200, OLGA, 'GET', '/v1/admin/audit/sessions/described'],
      [404, OLGA, 'GET', '/v1/admin/audit/sessions/none'],
      [403, 'alice', 'GET', '/v1/admin/audit/sessions/described'],
      [200, OLGA, 'GET', '/v1/admin/analytics/messages?step=minute'],
      [400, OLGA, 'GET', '/v1/admin/analytics/messages?step=week'],
      [404, OLGA, 'GET', '/v1/admin/analytics/nothing'],
      [403, 'alice', 'GET', '/v1/admin/analytics/messages'],
    );
  });

  test('what those ask who operate all of it', async () => {
    const consumers = '/v1/admin/consumers';
    await statuses(
      [200, OLGA, 'GET', '/v1/admin/overview'],
      [403, 'alice', 'GET', '/v1/admin/overview'],
      [200, OLGA, 'GET', consumers],
      [200, OLGA, 'POST', `${consumers}/search/pause`, { until: new Date(Date.now() + 60_000).toISOString() }],
      [400, OLGA, 'POST', `${consumers}/search/pause`, { until: 'never' }],
      [404, OLGA, 'POST', `${consumers}/none/pause`],
      [200, OLGA, 'GET', consumers],
      [200, OLGA, 'POST', `${consumers}/search/resume`],
      [404, OLGA, 'POST', `${consumers}/none/resume`],
      [202, OLGA, 'POST', `${consumers}/search/rebuild`],
      // the old copy is kept for half a minute once the new one serves
      [409, OLGA, 'POST', `${consumers}/search/rebuild`],
      [200, OLGA, 'GET', '/v1/admin/overview'],
      [404, OLGA, 'POST', `${consumers}/none/rebuild`],
      [403, 'alice', 'POST', `${consumers}/search/rebuild`],
      [200, OLGA, 'GET', '/metrics'],
      [403, 'alice', 'GET', '/metrics'],
    );
  });

  test('every type of event that was made is one of the document', async () => {
    const { body } = await ask('vera', 'GET', `${S}/events?limit=1000`);
    const types = new Set((body['items'] as { type: string }[]).map(({ type }) => type));
    expect(types.size).toBeGreaterThanOrEqual(9);
    expect(EVENT_TYPES).toEqual(expect.arrayContaining([...types]));
  });

  test('the session is deleted, the history goes away: refused as described', async () => {
    await statuses([202, 'alice', 'DELETE', S], [404, 'alice', 'DELETE', S], [404, 'alice', 'GET', `${S}/events`]);
    await stack.stop('consumers');
    await until('it is noticed', async () => (await ask(undefined, 'GET', '/readyz')).status === 503);
    await statuses([503, 'bob', 'GET', '/v1/search?q=far']);
  });

  test('no operation was left out but the upgrades themselves', () => {
    const described = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    const answered = [...checker.seen].filter(([, met]) => [...met].some((status) => status < 400)).map(([id]) => id);
    expect(described.filter((id) => !answered.includes(id))).toEqual(['inbox.open', 'socket.open']);
  });

  test('a body that is not as described would be found', () => {
    const exchange = { method: 'GET', path: '/healthz', status: 200, contentType: 'application/json' };
    expect(checker.faults({ ...exchange, body: { status: 'ok' } })).toEqual([]);
    expect(checker.faults({ ...exchange, body: { status: 'ok', uptime: 1 } })).toHaveLength(1);
    expect(checker.faults({ ...exchange, body: {} })).toHaveLength(1);
    expect(checker.faults({ ...exchange, status: 204, body: {} })).toHaveLength(1);
    expect(checker.faults({ ...exchange, path: '/v1/none', body: {} })).toHaveLength(1);
  });
});
