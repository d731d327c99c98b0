import { describe, expect, test } from 'vitest';
import { refusedByHttp } from '../doors.ts';
import { ask, type Asked } from '../http.ts';
import { person, signToken } from '../people.ts';
import { problem, result, type ProblemCode } from '../schemas.ts';
import { Scene, type World } from '../scene.ts';

/** What is said about HTTP alone: tokens, bodies, headers, and the codes that only it can answer. */
export function httpSuite(world: World): void {
  const refusal = async (method: string, path: string, asked: Asked = {}) => {
    const answer = await ask(world.target.url, method, path, asked);
    return { ...refusedByHttp(answer).problem, headers: answer.headers };
  };
  const expectCode = async (code: ProblemCode, method: string, path: string, asked: Asked = {}): Promise<Headers> => {
    const { headers, ...refused } = await refusal(method, path, asked);
    expect(refused).toMatchObject({ code });
    return headers;
  };

  describe('tokens', () => tokenTests(world, expectCode));
  describe('requests', () => requestTests(world, expectCode));
  describe('correlation', () => correlationTests(world));
  describe('acting for others', () => actingTests(world, expectCode));
}

type ExpectCode = (code: ProblemCode, method: string, path: string, asked?: Asked) => Promise<Headers>;

function tokenTests(world: World, expectCode: ExpectCode): void {
  const expectUnauthenticated = async (token: string | undefined): Promise<void> => {
    for (const path of ['/v1/sessions/some-session', '/v1/sessions/some-session/messages']) {
      const headers = await expectCode('unauthenticated', 'GET', path, { token });
      expect(headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
    }
    await expectCode('unauthenticated', 'POST', '/v1/sessions', { token, body: { title: 'T' } });
  };

  test('none, or what is none', async () => {
    await expectUnauthenticated(undefined);
    await expectUnauthenticated('no.real.token');
  });
  test('expired', async () => expectUnauthenticated(await signToken(world.target.secret, 'u', { ttlSeconds: -3_600 })));
  test('of another secret', async () => expectUnauthenticated(await signToken('x'.repeat(64), 'u', {})));
  test('with alg none', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    await expectUnauthenticated(`${part({ alg: 'none' })}.${part({ sub: 'u', exp: 4_102_444_800 })}.`);
  });
  test('with a tenant, kind or subject that cannot be', async () => {
    await expectUnauthenticated(await signToken(world.target.secret, 'u', { tenant: 'Not.One' }));
    await expectUnauthenticated(await signToken(world.target.secret, 'a/b', {}));
    await expectUnauthenticated(await signToken(world.target.secret, 'u', { kind: 'robot' as 'user' }));
  });
  test('of another tenant: the session is not there, and its id is free', async () => {
    const scene = await Scene.make(world, 'public');
    const token = await signToken(world.target.secret, scene.id('owner'), { tenant: 'another-tenant' });
    await expectCode('session_not_found', 'GET', scene.path, { token });
    await expectCode('session_not_found', 'POST', `${scene.path}/messages`, { token, body: { text: 'x' } });
    const created = await ask(world.target.url, 'POST', '/v1/sessions', { token, body: { id: scene.sessionId, title: 'T' } });
    expect(created.status).toBe(202);
  });
  test('before the body is looked at', async () => {
    await expectCode('unauthenticated', 'POST', '/v1/sessions', { raw: 'not json' });
  });
}

function requestTests(world: World, expectCode: ExpectCode): void {
  test('for nothing are not_found, with another method method_not_allowed', async () => {
    const { token } = await person(world.target, 'u');
    await expectCode('not_found', 'GET', '/v1/nothing', { token });
    await expectCode('not_found', 'GET', '/nothing-at-all');
    const headers = await expectCode('method_not_allowed', 'PUT', '/v1/sessions', { token, body: {} });
    expect(headers.get('Allow')).toMatch(/\bPOST\b/);
    const onSession = await expectCode('method_not_allowed', 'PUT', '/v1/sessions/s', { token, body: {} });
    for (const method of ['GET', 'PATCH', 'DELETE']) expect(onSession.get('Allow')).toContain(method);
  });

  test('with a body that is no JSON, no object, or not of JSON', async () => {
    const { token } = await person(world.target, 'u');
    const path = '/v1/sessions';
    await expectCode('invalid_request', 'POST', path, { token, raw: '{"title": ' });
    await expectCode('invalid_request', 'POST', path, { token, raw: '["title"]' });
    await expectCode('invalid_request', 'POST', path, { token, raw: 'null' });
    await expectCode('invalid_request', 'POST', path, { token, raw: Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d) });
    await expectCode('unsupported_media_type', 'POST', path, {
      token,
      raw: 'title=T',
      headers: { 'Content-Type': 'text/plain' },
    });
  });

  test('with a body above 1 MiB', async () => {
    const scene = await Scene.make(world);
    const { token } = scene.people.member;
    await expectCode('payload_too_large', 'POST', `${scene.path}/messages`, { token, body: { text: 'x'.repeat(1_048_577) } });
    expect(await scene.head()).toBe(1);
  });

  test('that name in the body what is in the path', async () => {
    const scene = await Scene.make(world);
    const { token } = scene.people.owner;
    const messageId = await scene.message('owner');
    const cases: [method: string, path: string, body: object][] = [
      ['PATCH', `/messages/${messageId}`, { text: 'x', messageId }],
      ['DELETE', `/messages/${messageId}`, { messageId }],
      ['PUT', `/members/${scene.id('member')}`, { role: 'viewer', userId: scene.id('member') }],
      ['PUT', `/messages/${messageId}/reactions/${encodeURIComponent('👍')}`, { emoji: '👍' }],
      ['POST', `/traces/${await scene.trace()}/finish`, { status: 'failed', traceId: 't' }],
    ];
    for (const [method, path, body] of cases) await expectCode('invalid_request', method, scene.path + path, { token, body });
  });

  test('without a body where all is optional', async () => {
    const scene = await Scene.make(world);
    const answer = await ask(world.target.url, 'POST', `${scene.path}/archive`, { token: scene.people.owner.token });
    expect([answer.status, answer.body]).toMatchObject([202, { seq: 2 }]);
    await expectCode('invalid_request', 'POST', '/v1/sessions', { token: scene.people.owner.token });
  });

  test('from another origin get no CORS headers, and no upgrade', async () => {
    const { token } = await person(world.target, 'u');
    const foreign = { Origin: 'https://elsewhere.example' };
    const answer = await ask(world.target.url, 'GET', '/v1/sessions/none', { token, headers: foreign });
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });

  test('from localhost get CORS headers', async ({ skip }) => {
    if (world.target.own === undefined) skip('the origins of a given system are not known');
    const { token } = await person(world.target, 'u');
    const origin = 'http://localhost:3000';
    const answer = await ask(world.target.url, 'POST', '/v1/sessions', {
      token,
      body: { title: 'T' },
      headers: { Origin: origin },
    });
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(origin);
    const exposed = (answer.headers.get('Access-Control-Expose-Headers') ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase());
    for (const name of [
      'location',
      'retry-after',
      'x-correlation-id',
      'idempotent-replayed',
      'traceparent',
      'deprecation',
      'sunset',
    ])
      expect(exposed).toContain(name);
    expect(answer.headers.get('Set-Cookie')).toBeNull();
  });

  test('for a status: of the sender and of owners, of nobody else', async () => {
    const scene = await Scene.make(world);
    const { commandId } = await scene.act('member', 'message.send', { text: 'x' });
    const path = `${scene.path}/commands/${commandId}`;
    for (const role of ['member', 'owner'] as const)
      expect((await ask(world.target.url, 'GET', path, { token: scene.people[role].token })).status).toBe(200);
    for (const role of ['other', 'viewer', 'stranger'] as const) {
      const { status, body } = await ask(world.target.url, 'GET', path, { token: scene.people[role].token });
      expect([403, 404], JSON.stringify(body)).toContain(status);
    }
    const admin = await person(world.target, 'admin', { scope: 'admin' });
    expect((await ask(world.target.url, 'GET', path, { token: admin.token })).status).toBe(200);
    await expectCode('not_found', 'GET', `${scene.path}/commands/${crypto.randomUUID()}`, { token: scene.people.owner.token });
  });

  test('whose session id cannot be one', async () => {
    const { token } = await person(world.target, 'u');
    for (const bad of ['a.b', 'i'.repeat(65), '%20', '*', '>']) {
      const { status, body } = await ask(world.target.url, 'GET', `/v1/sessions/${encodeURIComponent(bad)}`, { token });
      expect([400, 404], JSON.stringify(body)).toContain(status);
      expect(problem.parse(body).code).toMatch(/^(?:invalid_request|session_not_found)$/);
    }
  });
}

function correlationTests(world: World): void {
  const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  test('ids and traceparent come in, go back, and are in the event', async () => {
    const scene = await Scene.make(world);
    const headers = { 'X-Correlation-Id': 'my-correlation', traceparent: TRACEPARENT };
    const asked = { token: scene.people.member.token, body: { text: 'x' }, headers };
    const answer = await ask(world.target.url, 'POST', `${scene.path}/messages`, asked);
    expect(answer.headers.get('X-Correlation-Id')).toBe('my-correlation');
    expect(answer.headers.get('traceparent')).toContain('0af7651916cd43dd8448eb211c80319c');
    const { seq, correlationId } = result.parse(answer.body);
    expect(correlationId).toBe('my-correlation');
    const event = await scene.eventAt(seq);
    expect(event.correlationid).toBe('my-correlation');
    expect(event.traceparent).toContain('0af7651916cd43dd8448eb211c80319c');
  });

  test('ids are made when there is none, also for reads and refusals', async () => {
    const scene = await Scene.make(world);
    const read = await ask(world.target.url, 'GET', scene.path, { token: scene.people.owner.token });
    const refused = await ask(world.target.url, 'GET', scene.path, { token: scene.people.stranger.token });
    expect(read.headers.get('X-Correlation-Id')).toMatch(/./);
    expect(refused.headers.get('X-Correlation-Id')).toBe(problem.parse(refused.body).correlationId);
  });
}

function actingTests(world: World, expectCode: ExpectCode): void {
  test('is for services: over HTTP and by socket frame', async () => {
    const scene = await Scene.make(world);
    const service = await person(world.target, 'service', { scope: 'service', kind: 'system' });
    const headers = { 'Millrace-Actor': `${scene.id('agent')};agent` };
    const body = { text: 'for another', role: 'assistant' };
    const answer = await ask(world.target.url, 'POST', `${scene.path}/messages`, { token: service.token, body, headers });
    expect(answer.status, JSON.stringify(answer.body)).toBe(202);
    expect(await scene.eventAt(2)).toMatchObject({ actor: scene.id('agent'), actorkind: 'agent' });
    const { token } = scene.people.member;
    await expectCode('forbidden', 'POST', `${scene.path}/messages`, {
      token,
      body: { text: 'x' },
      headers: { 'Millrace-Actor': scene.id('agent') },
    });
  });

  test('lets a service, and nobody else, say when a message was made', async () => {
    const scene = await Scene.make(world);
    const createdAt = '2020-02-29T12:00:00.000Z';
    const service = await person(world.target, 'service', { scope: 'service', kind: 'system' });
    const headers = { 'Millrace-Actor': scene.id('member') };
    const asked = { token: service.token, body: { text: 'x', createdAt }, headers };
    const answer = await ask(world.target.url, 'POST', `${scene.path}/messages`, asked);
    expect(answer.status, JSON.stringify(answer.body)).toBe(202);
    const event = await scene.eventAt(2);
    expect(event).toMatchObject({ data: { createdAt }, actor: scene.id('member') });
    expect(event.time).not.toBe(createdAt);
    await expectCode('forbidden', 'POST', `${scene.path}/messages`, {
      token: scene.people.member.token,
      body: { text: 'x', createdAt },
    });
  });
}
