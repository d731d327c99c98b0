import { decodeJwt } from 'jose';
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CATALOGUE, COMMAND_NAMES } from '../../../shared/contract/catalogue.ts';
import { HEALTH_SUBJECT, QUERY_SUBJECT } from '../../../shared/contract/subjects.ts';
import { EVENT_TYPES } from '../../../shared/contract/event-schema.ts';
import type { OpenApiDocument } from '../../../worker/openapi/document.ts';
import { ROUTES } from '../../../worker/routes/app.ts';
import { webRoutes } from '../../../worker/routes/web.ts';
import { INTERNAL_SECRET, problem, world } from './support.ts';

describe('receipts', () => {
  const receipt = (sessionId: string) => ({ tenant: 'default', sessionId, seqs: [[1, 2]], publishedAt: 1, persistedAt: 2 });
  const body = (count: number) => JSON.stringify({ v: 1, receipts: Array.from({ length: count }, (_, i) => receipt(`s${i}`)) });
  const signed = (text: string, at = Date.now(), secret = INTERNAL_SECRET) => ({
    'Millrace-Timestamp': String(at),
    'Millrace-Signature': createHmac('sha256', secret).update(`${at}.${text}`).digest('hex'),
  });
  const post = (it: ReturnType<typeof world>, text: string, headers: Record<string, string>) =>
    it.call('POST', '/internal/receipts', { headers, body: text });

  test('are handed to each session, and those not taken are named', async () => {
    const it = world();
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    let running = 0;
    let most = 0;
    it.session.takeReceipt.mockImplementation(async ({ sessionId }) => {
      most = Math.max(most, (running += 1));
      await Promise.resolve();
      running -= 1;
      if (sessionId === 's3') throw new Error('no');
    });
    const response = await post(it, body(20), signed(body(20)));
    log.mockRestore();
    expect(await response.json()).toEqual({ failed: [{ tenant: 'default', sessionId: 's3' }] });
    expect(it.session.takeReceipt).toHaveBeenCalledTimes(20);
    expect(most).toBeLessThanOrEqual(6);
    expect(it.names).toContain('default/s19');
  });
  test('how full an embedded store is goes to each session with its receipt, and nothing where it has no bound', async () => {
    for (const embedded of [{ messages: 7 }, undefined]) {
      const it = world();
      const text = JSON.stringify({ ...JSON.parse(body(3)), embedded });
      expect((await post(it, text, signed(text))).status).toBe(200);
      expect(it.session.takeReceipt.mock.calls.map(([{ sessionId }, messages]) => [sessionId, messages])).toEqual(
        ['s0', 's1', 's2'].map((sessionId) => [sessionId, embedded?.messages]),
      );
    }
  });
  describe('while sessions hang', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
      vi.spyOn(console, 'error').mockImplementation(() => undefined);
    });
    afterEach(() => {
      vi.useRealTimers();
      vi.restoreAllMocks();
    });
    /** What was answered, and after how long. */
    const answered = async (hangs: (sessionId: string) => boolean, count: number) => {
      const it = world();
      it.session.takeReceipt.mockImplementation(async ({ sessionId }) =>
        hangs(sessionId) ? await new Promise(() => undefined) : undefined,
      );
      const startedMs = Date.now();
      const state = { isAnswered: false };
      const arriving = post(it, body(count), signed(body(count))).finally(() => (state.isAnswered = true));
      while (!state.isAnswered && Date.now() - startedMs < 60_000) {
        // signatures are checked on real threads
        await new Promise((resolve) => setImmediate(resolve));
        if (it.session.takeReceipt.mock.calls.length > 0) await vi.advanceTimersByTimeAsync(100);
      }
      const tookMs = Date.now() - startedMs;
      const { failed } = (await (await arriving).json()) as { failed: { sessionId: string }[] };
      return { tookMs, failed: failed.map(({ sessionId }) => sessionId), calls: it.session.takeReceipt.mock.calls.length };
    };

    test('the others are told, and each is asked once', async () => {
      const { tookMs, failed, calls } = await answered((sessionId) => ['s0', 's7', 's19'].includes(sessionId), 40);
      expect(failed.toSorted()).toEqual(['s0', 's19', 's7']);
      expect(tookMs).toBeLessThanOrEqual(2_500);
      expect(calls).toBe(40);
    });
    test('the answer comes while the sender still waits for it, though all of them hang', async () => {
      const { tookMs, failed } = await answered(() => true, 500);
      expect(tookMs).toBeLessThanOrEqual(9_000);
      expect(new Set(failed).size).toBe(500);
    });
  });
  const bad: [string, Record<string, string>][] = [
    ['no signature', {}],
    ['another secret', signed(body(1), Date.now(), 'x'.repeat(40))],
    ['another body', signed(body(2))],
    ['an old timestamp', signed(body(1), Date.now() - 301_000)],
    ['a timestamp of the future', signed(body(1), Date.now() + 330_000)],
    ['a timestamp that was not signed', { ...signed(body(1), Date.now() - 1), 'Millrace-Timestamp': String(Date.now()) }],
    ['a signature that is no hex', { ...signed(body(1)), 'Millrace-Signature': 'z'.repeat(64) }],
  ];
  test.each(bad)('%s is 401', async (_, headers) => {
    const it = world();
    expect((await problem(await post(it, body(1), headers))).code).toBe('unauthenticated');
    expect(it.session.takeReceipt).not.toHaveBeenCalled();
  });
  test('a signed body must still be one', async () => {
    expect((await problem(await post(world(), '{"v":1,"receipts":[]}', signed('{"v":1,"receipts":[]}')))).code).toBe(
      'invalid_request',
    );
    const big = 'x'.repeat(1024 * 1024 + 1);
    expect((await problem(await post(world(), big, signed(big)))).code).toBe('payload_too_large');
  });
});

describe('readiness', () => {
  const BEHIND = { 'stream:MILLRACE_EVENTS': 'ok', 'durable:history': 'ok', 'worker:history': 'ok', 'store:history': 'ok' };
  /** what the consumers answer, by the subject that is asked */
  const answering = (it: ReturnType<typeof world>, answers: Record<string, object | undefined>) =>
    it.uplink.request.mockImplementation(async (subject) => {
      const answer = answers[subject];
      return answer === undefined ? { ok: false, error: 'no responders' } : { ok: true, payload: JSON.stringify(answer) };
    });
  const well = { [QUERY_SUBJECT]: { ok: true, op: 'health' }, [HEALTH_SUBJECT]: { ok: true, op: 'parts', parts: BEHIND } };
  const ready = async (arrange: (it: ReturnType<typeof world>) => void, variables = {}) => {
    const it = world({ UPLINKS: '2', ...variables });
    const quiet = [
      vi.spyOn(console, 'log').mockImplementation(() => undefined),
      vi.spyOn(console, 'error').mockImplementation(() => undefined),
    ];
    answering(it, well);
    arrange(it);
    const response = await it.call('GET', '/readyz');
    for (const each of quiet) each.mockRestore();
    const body = (await response.json()) as { status: string; parts: Record<string, { status: string }> };
    const away = Object.entries(body.parts).flatMap(([name, { status }]) => (status === 'ok' ? [] : [name]));
    return { status: response.status, body, away };
  };

  test('each part is named', async () => {
    const { status, body } = await ready(() => undefined);
    const names = ['edge', 'uplink', 'history', 'consumers', 'uplink:uplink-0', 'uplink:uplink-1', ...Object.keys(BEHIND)];
    const parts = Object.fromEntries(names.map((name) => [name, { status: 'ok' }]));
    expect([status, body]).toEqual([200, { status: 'ok', parts }]);
  });

  test.each([
    [['edge'], () => undefined, { INTERNAL_SECRET: '' }],
    [
      ['uplink', 'uplink:uplink-0', 'uplink:uplink-1'],
      (it: ReturnType<typeof world>) => it.uplink.health.mockRejectedValue(new Error('no')),
      {},
    ],
    [
      ['uplink', 'uplink:uplink-1'],
      (it: ReturnType<typeof world>) => it.uplink.health.mockResolvedValueOnce(true).mockResolvedValue(false),
      {},
    ],
    [['history', 'consumers'], (it: ReturnType<typeof world>) => answering(it, {}), {}],
    [
      ['consumers'],
      (it: ReturnType<typeof world>) => answering(it, { ...well, [HEALTH_SUBJECT]: { ok: true, op: 'parts' } }),
      {},
    ],
    [
      ['history'],
      (it: ReturnType<typeof world>) =>
        answering(it, { ...well, [QUERY_SUBJECT]: { ok: false, code: 'unavailable', detail: 'nothing feeds it' } }),
      {},
    ],
    [
      ['worker:history'],
      (it: ReturnType<typeof world>) =>
        answering(it, {
          ...well,
          [HEALTH_SUBJECT]: { ok: true, op: 'parts', parts: { ...BEHIND, 'worker:history': 'unavailable' } },
        }),
      {},
    ],
  ])('503 with the same body when %j are not ready', async (parts, arrange, variables) => {
    const { status, body, away } = await ready(arrange, variables);
    expect([status, body.status, away]).toEqual([503, 'unavailable', parts]);
  });
});

describe('documents', () => {
  const document = async () => (await (await world().call('GET', '/v1/openapi.json')).json()) as OpenApiDocument;

  test('every route of the API is in the document, and nothing else', async () => {
    const { paths } = await document();
    const listed = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const pages = new Set(webRoutes.map(({ path }) => path));
    const isPublic = ({ path }: { path: string }) =>
      !pages.has(path) && !path.startsWith('/dev/') && !path.startsWith('/internal/');
    expect(listed.toSorted()).toEqual(
      ROUTES.filter(isPublic)
        .map((route) => `${route.method} ${route.path}`)
        .toSorted(),
    );
  });
  test.each(COMMAND_NAMES)('%s is there, with the schema of the catalogue', async (name) => {
    const { method, path, body } = CATALOGUE[name];
    const operation = (await document()).paths[`/v1${path}`]?.[method.toLowerCase()];
    expect(operation?.operationId).toBe(name);
    const schema = operation?.requestBody?.content['application/json']?.schema as {
      properties: object;
      additionalProperties: boolean;
    };
    expect(Object.keys(schema.properties)).toEqual(Object.keys(body.shape));
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(operation?.responses ?? {})).toEqual(
      expect.arrayContaining(['202', '400', '401', '403', '404', '409', '413', '415', '422', '429', '503']),
    );
  });
  test('references resolve, path parameters are declared, ids are unique', async () => {
    const { paths, components } = await document();
    const text = JSON.stringify(paths);
    for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) expect(components.schemas).toHaveProperty(name ?? '');
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );
    for (const { path, operation } of operations) {
      const declared = operation.parameters.filter((each) => each.in === 'path').map((each) => each.name);
      expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
    }
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
  });
  test.each(EVENT_TYPES)('the schema of %s', async (type) => {
    const response = await world({ PUBLIC_URL: 'https://m.example.com' }).call('GET', `/schemas/${type}/1`);
    expect(response.headers.get('Content-Type')).toBe('application/schema+json');
    expect(await response.json()).toMatchObject({
      $id: `https://m.example.com/schemas/${type}/1`,
      type: 'object',
      properties: { type: { const: type } },
    });
  });
  test('an unknown schema is 404', async () => {
    for (const path of ['/schemas/message.created/2', '/schemas/nope/1', '/schemas/toString/1']) {
      expect((await problem(await world().call('GET', path))).code).toBe('not_found');
    }
  });
  test('the page lists every operation, and asks no other host', async () => {
    const response = await world().call('GET', '/docs');
    const text = await response.text();
    for (const name of COMMAND_NAMES) expect(text).toContain(`id="${name}"`);
    expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
  });
});

describe('tokens of a local run', () => {
  const JSON_TYPE = { 'Content-Type': 'application/json' };
  const mint = (it: ReturnType<typeof world>, path = '/dev/token', name: unknown = 'Zoë Z') =>
    it.call('POST', path, { headers: JSON_TYPE, body: JSON.stringify({ name }) });

  test('a token of a local run is good there', async () => {
    const it = world({ JWT_ISSUER: 'us', JWT_AUDIENCE: 'here' });
    const response = await mint(it);
    expect(response.status).toBe(201);
    const { token, userId } = (await response.json()) as { token: string; userId: string };
    expect(userId).toBe('Zo%C3%AB%20Z');
    expect((await it.call('GET', '/v1/sessions/s1', { headers: { Authorization: `Bearer ${token}` } })).status).toBe(200);
    expect(it.session.describe.mock.calls[0]?.[1]).toEqual({ id: 'Zo%C3%AB%20Z', name: 'Zoë Z', kind: 'user' });
  });
  test('one with the scope of operators is there for the asking, and no other scope', async () => {
    const ask = async (scope: string) =>
      await world().call('POST', '/dev/token', { headers: JSON_TYPE, body: JSON.stringify({ name: 'olga', scope }) });
    const { token } = (await (await ask('admin')).json()) as { token: string };
    expect(decodeJwt(token)).toMatchObject({ sub: 'olga', scope: 'admin' });
    expect((await ask('service')).status).toBe(400);
  });
  test('there are none in production, nor by another host, nor for a form', async () => {
    expect((await mint(world({ ENVIRONMENT: 'production' }))).status).toBe(404);
    expect((await mint(world(), 'http://rebound.example.com/dev/token')).status).toBe(404);
    expect((await world().call('POST', '/dev/token', { body: '{"name":"a"}' })).status).toBe(415);
    expect((await mint(world(), '/dev/token', '')).status).toBe(400);
    expect((await mint(world(), '/dev/token', 'ü'.repeat(200))).status).toBe(400);
  });
});
