import { describe, expect, test } from 'vitest';
import type { AdminRequest } from '../../../shared/contract/admin.ts';
import { ADMIN_SUBJECT } from '../../../shared/contract/subjects.ts';
import { problem, token, world } from './support.ts';

type World = ReturnType<typeof world>;

const LETTERS = '/v1/admin/dead-letters';

async function asAdmin(it: World, method: string, path: string, body?: unknown, claims: object = {}): Promise<Response> {
  const headers = { Authorization: `Bearer ${await token({ scope: 'admin', ...claims })}`, 'X-Correlation-Id': 'corr-1' };
  if (body === undefined) return await it.call(method, path, { headers });
  return await it.call(method, path, { headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

function answering(result: unknown, op = 'deadLetters.list'): World {
  const it = world();
  it.uplink.request.mockImplementation(async () => ({ ok: true, payload: JSON.stringify({ ok: true, op, result }) }));
  return it;
}

const asked = (it: World): AdminRequest => JSON.parse(it.uplink.request.mock.calls.at(-1)?.[1] ?? '') as AdminRequest;

describe('who may ask', () => {
  test('nobody without a token, or without the scope, whatever the question', async () => {
    const it = answering({ items: [] });
    expect((await it.call('GET', LETTERS)).status).toBe(401);
    for (const claims of [{ scope: undefined }, { scope: 'service' }]) {
      const response = await asAdmin(it, 'GET', `${LETTERS}?limit=0`, undefined, claims);
      expect(await problem(response)).toMatchObject({ status: 403, code: 'forbidden' });
    }
    expect(it.uplink.request).not.toHaveBeenCalled();
  });

  test('a service that acts for another does not hand its scope on', async () => {
    const it = answering({ items: [] });
    const headers = { Authorization: `Bearer ${await token({ scope: 'admin service' })}`, 'Millrace-Actor': 'bob' };
    expect((await it.call('GET', LETTERS, { headers })).status).toBe(403);
  });

  test('the question names who asks, and the tenant of the token', async () => {
    const it = answering({ items: [] });
    expect((await asAdmin(it, 'GET', LETTERS, undefined, { tenant: 'acme' })).status).toBe(200);
    expect(it.uplink.request.mock.calls[0]?.[0]).toBe(ADMIN_SUBJECT);
    expect(asked(it)).toEqual({
      v: 1,
      op: 'deadLetters.list',
      tenant: 'acme',
      actor: 'alice',
      correlationId: 'corr-1',
      // when it has gone by then, what is asked is not to be done any more
      answerByMs: expect.any(Number) as number,
      limit: 50,
    });
  });
});

describe('what comes back', () => {
  test.each([
    ['nobody answers', { ok: false as const, error: '503' }],
    ['no JSON', { ok: true as const, payload: 'x' }],
    ['the answer to another question', { ok: true as const, payload: JSON.stringify({ ok: true, op: 'x', result: {} }) }],
    [
      'a result of another shape',
      { ok: true as const, payload: JSON.stringify({ ok: true, op: 'deadLetters.list', result: 7 }) },
    ],
  ])('%s: 503 with Retry-After', async (_, outcome) => {
    const it = world();
    it.uplink.request.mockResolvedValue(outcome);
    const response = await asAdmin(it, 'GET', LETTERS);
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(await problem(response)).toMatchObject({ status: 503, code: 'unavailable' });
  });

  test('a refusal is a problem of its code', async () => {
    const it = world();
    const payload = JSON.stringify({ ok: false, code: 'not_found', detail: 'There is no such dead letter.' });
    it.uplink.request.mockResolvedValue({ ok: true, payload });
    const response = await asAdmin(it, 'GET', LETTERS);
    expect(await problem(response)).toMatchObject({ status: 404, code: 'not_found', detail: 'There is no such dead letter.' });
  });
});

describe('GET /v1/admin/dead-letters', () => {
  test('a cursor is of its tenant', async () => {
    const it = answering({ items: [], next: 41 });
    const { nextCursor } = (await (await asAdmin(it, 'GET', LETTERS)).json()) as { nextCursor: string };
    expect((await asAdmin(it, 'GET', `${LETTERS}?consumer=history&limit=100&cursor=${nextCursor}`)).status).toBe(200);
    expect(asked(it)).toMatchObject({ before: 41, consumer: 'history', limit: 100 });
    expect((await asAdmin(it, 'GET', `${LETTERS}?cursor=${nextCursor}`, undefined, { tenant: 'acme' })).status).toBe(400);
  });

  test.each(['limit=0', 'limit=101', 'limit=x', 'cursor=', 'cursor=abc', 'consumer=a.b', 'consumer='])(
    '%s is 400',
    async (query) => {
      const it = answering({ items: [] });
      expect(await problem(await asAdmin(it, 'GET', `${LETTERS}?${query}`))).toMatchObject({ code: 'invalid_request' });
      expect(it.uplink.request).not.toHaveBeenCalled();
    },
  );
});

describe('one dead letter', () => {
  const detail = { id: '7-abc', consumer: 'history', outcome: 'redriven', as: 'event' };

  test('is asked for by its id', async () => {
    const it = answering(detail, 'deadLetters.redrive');
    const response = await asAdmin(it, 'POST', `${LETTERS}/7-abc/redrive`);
    expect([response.status, await response.json()]).toEqual([200, detail]);
    expect(asked(it)).toMatchObject({ op: 'deadLetters.redrive', id: '7-abc', actor: 'alice', correlationId: 'corr-1' });
  });

  test('an id that cannot exist is 404, a body with fields 400, both unasked', async () => {
    const it = answering(detail, 'deadLetters.redrive');
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/redrive'],
      ['POST', '/discard'],
    ] as const) {
      expect(await problem(await asAdmin(it, method, `${LETTERS}/a.b${path}`))).toMatchObject({ status: 404, code: 'not_found' });
      if (method === 'POST') expect((await asAdmin(it, method, `${LETTERS}/7-abc${path}`, { force: true })).status).toBe(400);
      expect((await asAdmin(it, method, `${LETTERS}/7-abc${path}`, undefined, { scope: undefined })).status).toBe(403);
    }
    expect(it.uplink.request).not.toHaveBeenCalled();
  });
});

describe('POST /v1/admin/dead-letters/redrive', () => {
  const report = { dryRun: false, matched: 0, redriven: 0, failed: 0, items: [] };

  test('goes on where the cursor says, which is of its tenant', async () => {
    const it = answering({ ...report, next: { after: 4, until: 9 } }, 'deadLetters.redriveAll');
    const response = await asAdmin(it, 'POST', `${LETTERS}/redrive`);
    expect(asked(it)).toMatchObject({ dryRun: false, limit: 50 });
    const { nextCursor, ...rest } = (await response.json()) as { nextCursor: string };
    expect(rest).toEqual(report);
    await asAdmin(it, 'POST', `${LETTERS}/redrive`, { consumer: 'relay', reason: 'forbidden', dryRun: true, cursor: nextCursor });
    expect(asked(it)).toMatchObject({ after: 4, until: 9, consumer: 'relay', reason: 'forbidden', dryRun: true });
    const other = await asAdmin(it, 'POST', `${LETTERS}/redrive`, { cursor: nextCursor }, { tenant: 'acme' });
    expect(await problem(other)).toMatchObject({ code: 'invalid_request' });
  });

  test.each([
    { limit: 0 },
    { limit: 101 },
    { ids: [] },
    { ids: ['a b'] },
    { consumer: 'a.b' },
    { reason: '' },
    { cursor: 'x' },
    { dryRun: 'yes' },
    { all: true },
    [],
  ])('%j is 400', async (body) => {
    const it = answering(report, 'deadLetters.redriveAll');
    expect((await asAdmin(it, 'POST', `${LETTERS}/redrive`, body)).status).toBe(400);
    expect(it.uplink.request).not.toHaveBeenCalled();
  });
});

test('GET /v1/admin/log pages by a cursor of its own', async () => {
  const it = answering({ items: [], next: 3 }, 'log.list');
  const { nextCursor } = (await (await asAdmin(it, 'GET', '/v1/admin/log?limit=7')).json()) as { nextCursor: string };
  expect(asked(it)).toMatchObject({ op: 'log.list', limit: 7 });
  await asAdmin(it, 'GET', `/v1/admin/log?cursor=${nextCursor}`);
  expect(asked(it)).toMatchObject({ before: 3 });
  expect((await asAdmin(it, 'GET', `${LETTERS}?cursor=${nextCursor}`)).status).toBe(400);
});

test('GET /v1/admin/audit/sessions/{s} asks for the session, and hands back what was found in it', async () => {
  const found = { missing: 1, different: 0, extra: 0, lost: 0 };
  const counts = { events: 9, pending: 1, unverifiable: 0 };
  const findings = [{ tier: 'archive', kind: 'missing', place: '2', detail: 'is not there' }];
  const result = {
    sessionId: 's1',
    isComplete: true,
    head: 9,
    persisted: 8,
    counts,
    deadLetters: [],
    behind: [],
    found,
    findings,
  };
  const it = answering(result, 'audit.session');
  expect(await (await asAdmin(it, 'GET', '/v1/admin/audit/sessions/s1')).json()).toEqual(result);
  expect(asked(it)).toMatchObject({ op: 'audit.session', sessionId: 's1' });
  expect((await asAdmin(it, 'GET', '/v1/admin/audit/sessions/a%20b')).status).toBe(404);
  expect(it.uplink.request).toHaveBeenCalledTimes(1);
});
