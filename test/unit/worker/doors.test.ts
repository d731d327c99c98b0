import { describe, expect, test, vi } from 'vitest';
import { problem, token, world } from './support.ts';

const preflight = (origin: string) => ({ headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' } });

describe('origins', () => {
  const cases: [string, object, string, boolean][] = [
    ['any localhost, locally', {}, 'http://localhost:3000', true],
    ['127.0.0.1, locally', {}, 'http://127.0.0.1:3000', true],
    ['[::1], locally', {}, 'http://[::1]:3000', true],
    ['another host, locally', {}, 'https://example.com', false],
    ['a host that only begins like localhost', {}, 'http://localhost.example.com', false],
    ['null', {}, 'null', false],
    ['the same origin, in production', { ENVIRONMENT: 'production' }, 'http://localhost:8787', true],
    ['localhost, in production', { ENVIRONMENT: 'production' }, 'http://localhost:3000', false],
    [
      'that of PUBLIC_URL, in production',
      { ENVIRONMENT: 'production', PUBLIC_URL: 'https://m.example.com/x' },
      'https://m.example.com',
      true,
    ],
    ['one that is listed', { ALLOWED_ORIGINS: 'https://a.example.com, https://b.example.com' }, 'https://b.example.com', true],
    ['one that is not listed', { ALLOWED_ORIGINS: 'https://a.example.com' }, 'http://localhost:8787', false],
  ];
  test.each(cases)('%s', async (_, variables, origin, allowed) => {
    const { call } = world(variables);
    const first = await call('OPTIONS', '/v1/sessions', preflight(origin));
    expect(first.status).toBe(204);
    expect(first.headers.get('Access-Control-Allow-Origin')).toBe(allowed ? origin : null);
    expect(first.headers.get('Access-Control-Allow-Headers')?.includes('Idempotency-Key') ?? false).toBe(allowed);
    const refused = await call('GET', '/v1/sessions/s1', { headers: { Origin: origin } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('Access-Control-Allow-Origin')).toBe(allowed ? origin : null);
    expect(refused.headers.get('Access-Control-Expose-Headers')?.includes('Idempotent-Replayed') ?? false).toBe(allowed);
    expect(refused.headers.get('Vary')).toBe('Origin');
    const upgrade = await call('GET', '/v1/sessions/s1/socket', { headers: { Origin: origin, Upgrade: 'websocket' } });
    expect((await problem(upgrade)).code).toBe(allowed ? 'unauthenticated' : 'origin_not_allowed');
  });
});

describe('addresses', () => {
  test('one that nobody knows is 404', async () => {
    for (const path of ['/nope', '/v1/sessions/', '/v1/sessions/s1/nope']) {
      expect((await problem(await world().call('GET', path))).code).toBe('not_found');
    }
  });
  test('one that is known by other methods is 405 with Allow', async () => {
    const response = await world().call('PUT', '/v1/sessions/s1');
    expect(response.status).toBe(405);
    expect(response.headers.get('Allow')).toBe('PATCH, DELETE, GET, HEAD, OPTIONS');
    expect((await world().call('DELETE', '/v1/sessions')).headers.get('Allow')).toBe('POST, GET, HEAD, OPTIONS');
  });
  test('OPTIONS tells the methods, HEAD is GET without its body', async () => {
    const options = await world().call('OPTIONS', '/healthz');
    expect([options.status, options.headers.get('Allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
    const head = await world().call('HEAD', '/healthz');
    expect([head.status, await head.text()]).toEqual([200, '']);
  });
  test('a path is decoded once, and badly encoded is 400', async () => {
    const { as, session } = world();
    await as('PUT', '/v1/sessions/s1/members/a%2540b', { role: 'member' });
    expect(session.execute.mock.calls[0]?.[1].command).toEqual({ name: 'member.put', data: { userId: 'a%40b', role: 'member' } });
    for (const bad of ['%', '%zz', '%ff', '%C3%28']) {
      expect((await problem(await as('DELETE', `/v1/sessions/s1/members/${bad}`))).code).toBe('invalid_request');
    }
    expect((await problem(await as('PUT', '/v1/sessions/s1/members/a%2Fb', { role: 'member' }))).code).toBe('invalid_request');
  });
  test('a session id that cannot exist is 404, after the token', async () => {
    const { as, call } = world();
    expect((await problem(await as('GET', '/v1/sessions/a%20b'))).code).toBe('session_not_found');
    expect((await problem(await as('POST', `/v1/sessions/${'a'.repeat(65)}/archive`))).code).toBe('session_not_found');
    expect((await problem(await call('GET', '/v1/sessions/a%20b'))).code).toBe('unauthenticated');
  });
});

describe('correlation', () => {
  test('an id and a traceparent go on and back', async () => {
    const { as, session } = world();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const response = await as('POST', '/v1/sessions/s1/archive', {}, { 'X-Correlation-Id': 'mine', traceparent });
    expect(response.headers.get('X-Correlation-Id')).toBe('mine');
    expect(response.headers.get('traceparent')).toBe(traceparent);
    expect(session.execute.mock.calls[0]?.[1]).toMatchObject({ correlationId: 'mine', traceparent });
  });
  test('a malformed one is made anew, also on refusals', async () => {
    const response = await world().call('GET', '/nope', { headers: { 'X-Correlation-Id': 'a b', traceparent: 'x' } });
    const made = response.headers.get('X-Correlation-Id');
    expect(made).toMatch(/^[0-9a-f-]{14}7/);
    expect((await problem(response))['correlationId']).toBe(made);
    expect(response.headers.get('traceparent')).toBeNull();
  });
});

describe('faults', () => {
  const fault = (properties: object) => Object.assign(new Error('secret cause'), properties);
  test('an unexpected one is 500 without its cause, which is one line of the log', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { as, session } = world();
    session.execute.mockResolvedValue({ ok: true, value: undefined } as never);
    const response = await as('POST', '/v1/sessions/s1/archive');
    const body = await problem(response);
    expect([response.status, body.code, response.headers.get('Retry-After')]).toEqual([500, 'internal', null]);
    expect(JSON.stringify(body)).not.toMatch(/undefined|TypeError| at /);
    expect(log.mock.calls).toHaveLength(1);
    expect(String(log.mock.calls[0]?.[0])).not.toContain('\n');
    log.mockRestore();
  });
  test('a placement that cannot be read serves nobody', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { as } = world({ TENANT_PLACEMENT: '{' });
    expect((await problem(await as('GET', '/v1/sessions/s1'))).code).toBe('unavailable');
    log.mockRestore();
  });
  test.each([
    ['a read is tried again once', 'GET', {}, { retryable: true }, 2, 'unavailable'],
    ['a command with a key too', 'POST', { 'Idempotency-Key': 'k' }, { retryable: true }, 2, 'unavailable'],
    ['a command without one is not', 'POST', {}, { retryable: true }, 1, 'unavailable'],
    ['what is not marked retryable is not', 'GET', {}, {}, 1, 'unavailable'],
    ['an overloaded object is left alone', 'GET', {}, { retryable: true, overloaded: true }, 1, 'overloaded'],
  ])('%s', async (_, method, headers, properties, times, code) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { as, session, names } = world();
    session.describe.mockRejectedValue(fault(properties));
    session.execute.mockRejectedValue(fault(properties));
    const response = await as(method, method === 'GET' ? '/v1/sessions/s1' : '/v1/sessions/s1/archive', undefined, headers);
    expect(response.headers.get('Retry-After')).toBe('1');
    const body = await problem(response);
    expect(body.code).toBe(code);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(names).toHaveLength(times);
    log.mockRestore();
  });
  test('Retry-After is whole seconds, rounded up, and the body has no milliseconds', async () => {
    const { as, session } = world();
    session.execute.mockResolvedValue({ ok: false, refusal: { code: 'rate_limited', detail: 'slow down', retryAfterMs: 1_001 } });
    const response = await as('POST', '/v1/sessions/s1/archive');
    expect([response.status, response.headers.get('Retry-After')]).toEqual([429, '2']);
    expect(await problem(response)).not.toHaveProperty('retryAfterMs');
  });
});

describe('upgrades', () => {
  const open = async (headers: Record<string, string>, query = '') => {
    const it = world();
    const response = await it.call('GET', `/v1/sessions/s1/socket${query}`, { headers: { Upgrade: 'websocket', ...headers } });
    return { ...it, response, request: it.session.fetch.mock.calls[0]?.[0] };
  };
  test('without Upgrade: 426', async () => {
    const response = await world().call('GET', '/v1/sessions/s1/socket');
    expect([response.status, response.headers.get('Upgrade')]).toEqual([426, 'websocket']);
  });
  test.each(['x', '-1', '1.5', '2147483648', '', '+1', '%201'])('after=%s: 400', async (after) => {
    expect(
      (await problem((await open({ 'Sec-WebSocket-Protocol': 'millrace.v1, ticket.x' }, `?after=${after}`)).response)).code,
    ).toBe('invalid_request');
  });
  test('without ticket and token: 401', async () => {
    const { response } = await open({ 'Sec-WebSocket-Protocol': 'millrace.v1' });
    expect([response.status, response.headers.get('WWW-Authenticate')]).toEqual([401, 'Bearer']);
  });
  test('a ticket goes on, forged headers do not', async () => {
    const { request, response, names } = await open({
      'Sec-WebSocket-Protocol': 'millrace.v1, ticket.abc',
      'Millrace-Caller': '%7B%7D',
      'Millrace-Tenant': 'acme',
    });
    expect(names).toEqual(['default/s1']);
    expect(request?.headers.get('Millrace-Caller')).toBeNull();
    expect(request?.headers.get('Millrace-Tenant')).toBe('default');
    expect(request?.headers.get('Sec-WebSocket-Protocol')).toBe('millrace.v1, ticket.abc');
    expect([response.status, response.headers.get('WWW-Authenticate')]).toEqual([401, 'Bearer']);
  });
  test('a ticket finds the session of its tenant', async () => {
    const { sealTicket } = await import('../../../worker/ticket.ts');
    const { names } = await open({ 'Sec-WebSocket-Protocol': `millrace.v1, ticket.${sealTicket('acme', 'c2VjcmV0')}` });
    expect(names).toEqual(['acme/s1']);
  });
  test('a token becomes the caller, and stays in the Worker', async () => {
    const { request } = await open({ Authorization: `Bearer ${await token({ name: 'Älice' })}` });
    const header = request?.headers.get('Millrace-Caller') ?? '';
    const caller = JSON.parse(decodeURIComponent(header)) as { actor: unknown; tokenExpiresAtMs: number };
    expect(caller.actor).toEqual({ id: 'alice', name: 'Älice', kind: 'user' });
    expect(caller.tokenExpiresAtMs).toBeGreaterThan(Date.now());
    expect(request?.headers.get('Authorization')).toBeNull();
  });
});

test('a ticket is issued with the expiry of the token', async () => {
  const { as, session } = world();
  expect((await as('POST', '/v1/sessions/s1/tickets')).status).toBe(201);
  expect(session.issueTicket.mock.calls[0]?.[2]).toBeGreaterThan(Date.now());
  expect((await as('POST', '/v1/sessions/s1/tickets', { x: 1 })).status).toBe(400);
});
