import { describe, expect, test } from 'vitest';
import type { AdminRequest } from '../../../shared/contract/admin.ts';
import type { BackOverview, Overview } from '../../../shared/contract/system.ts';
import { problem, token, world } from './support.ts';

type World = ReturnType<typeof world>;

const ADMIN = '/v1/admin';
const STEERING = [
  ['GET', '/overview'],
  ['GET', '/consumers'],
  ['POST', '/consumers/history/pause'],
  ['POST', '/consumers/history/resume'],
  ['POST', '/consumers/history/rebuild'],
] as const;

async function asAdmin(it: World, method: string, path: string, body?: unknown, claims: object = {}): Promise<Response> {
  const headers = { Authorization: `Bearer ${await token({ scope: 'admin', ...claims })}` };
  if (body === undefined) return await it.call(method, `${ADMIN}${path}`, { headers });
  const json = { ...headers, 'Content-Type': 'application/json' };
  return await it.call(method, `${ADMIN}${path}`, { headers: json, body: JSON.stringify(body) });
}

function answering(result: unknown, op: string): World {
  const it = world();
  it.uplink.request.mockImplementation(async () => ({ ok: true, payload: JSON.stringify({ ok: true, op, result }) }));
  return it;
}

const asked = (it: World): AdminRequest => JSON.parse(it.uplink.request.mock.calls.at(-1)?.[1] ?? '') as AdminRequest;

describe('what is of all tenants', () => {
  test.each(STEERING)('%s %s: for admins of the tenant that runs the system alone', async (method, path) => {
    const it = answering({}, 'x');
    expect((await it.call(method, `${ADMIN}${path}`)).status).toBe(401);
    for (const claims of [{ scope: undefined }, { scope: 'service' }, { tenant: 'acme' }]) {
      expect(await problem(await asAdmin(it, method, path, undefined, claims))).toMatchObject({ status: 403, code: 'forbidden' });
    }
    expect(it.uplink.request).not.toHaveBeenCalled();
    expect(it.uplink.health).not.toHaveBeenCalled();
  });
});

describe('GET /v1/admin/overview', () => {
  const back: BackOverview = {
    streams: { status: 'ok', items: [{ name: 'MILLRACE_EVENTS', status: 'up', messages: 1, bytes: 2, bytesMax: 3 }] },
    consumers: { status: 'ok', items: [{ name: 'history', status: 'up', paused: true, lag: 9 }] },
    stores: { status: 'ok', items: [{ name: 'history', status: 'up' }] },
    roles: { status: 'ok', items: [{ name: 'history', status: 'up', workers: 1, starting: 0 }] },
    deadLetters: { status: 'ok', items: [{ consumer: 'history', count: 4 }] },
    rebuilds: { status: 'ok', items: [] },
  };
  const shown = async (it: World): Promise<Overview> => {
    const response = await asAdmin(it, 'GET', '/overview');
    expect(response.status).toBe(200);
    return (await response.json()) as Overview;
  };

  test('joins what the consumers say to what the edge sees; a pause and dead letters make nothing worse', async () => {
    const { at, ...rest } = await shown(answering(back, 'overview'));
    expect(Number.isNaN(Date.parse(at))).toBe(false);
    const uplinks = [0, 1, 2, 3].map((index) => ({ name: `uplink-${index}`, status: 'up' }));
    expect(rest).toEqual({ status: 'ok', edge: { status: 'up' }, uplinks, ...back });
  });

  test.each([
    ['a stream', { streams: { status: 'ok', items: [{ name: 'MILLRACE_EVENTS', status: 'down' }] } }],
    ['a store', { stores: { status: 'ok', items: [{ name: 'history', status: 'unknown' }] } }],
    ['what nobody knows', { deadLetters: { status: 'unknown', items: [] } }],
  ])('%s that is away makes it degraded', async (_what, part) => {
    expect(await shown(answering({ ...back, ...part }, 'overview'))).toMatchObject({ status: 'degraded', ...part });
  });

  test('says that it does not know when nobody answers, and which Uplinks are cut off', async () => {
    const it = world();
    it.uplink.health.mockResolvedValueOnce(true).mockRejectedValue(new Error('no'));
    const { status, uplinks, ...parts } = await shown(it);
    expect([status, ...uplinks.map((each) => each.status)]).toEqual(['degraded', 'up', 'down', 'down', 'down']);
    for (const name of Object.keys(back) as (keyof BackOverview)[]) expect(parts[name]).toEqual({ status: 'unknown', items: [] });
  });
});

describe('steering', () => {
  const paused = { name: 'history', paused: true, pausedUntil: '2026-01-01T00:00:00.000Z' };

  test('a pause is asked for with its end, or without', async () => {
    const it = answering(paused, 'consumers.pause');
    const response = await asAdmin(it, 'POST', '/consumers/history/pause');
    expect([response.status, await response.json()]).toEqual([200, paused]);
    expect(asked(it)).toMatchObject({ op: 'consumers.pause', name: 'history', actor: 'alice', tenant: 'default' });
    expect(asked(it)).not.toHaveProperty('untilMs');
    const until = new Date(Date.now() + 60_000).toISOString();
    await asAdmin(it, 'POST', '/consumers/history/pause', { until });
    expect(asked(it)).toMatchObject({ untilMs: Date.parse(until) });
  });

  test.each([{ until: 'soon' }, { until: '2020-01-01T00:00:00Z' }, { until: '2999-01-01T00:00:00Z' }, { for: '1h' }, []])(
    'a pause %j is 400, unasked',
    async (body) => {
      const it = answering(paused, 'consumers.pause');
      expect(await problem(await asAdmin(it, 'POST', '/consumers/history/pause', body))).toMatchObject({
        code: 'invalid_request',
      });
      expect(it.uplink.request).not.toHaveBeenCalled();
    },
  );

  test('a rebuild is 202', async () => {
    const rebuild = {
      name: 'search',
      status: 'running',
      phase: 'starting',
      done: 0,
      events: 0,
      startedAt: '2026-01-01T00:00:00.000Z',
    };
    const it = answering(rebuild, 'consumers.rebuild');
    const response = await asAdmin(it, 'POST', '/consumers/search/rebuild', {});
    expect([response.status, await response.json()]).toEqual([202, rebuild]);
    expect(asked(it)).toMatchObject({ op: 'consumers.rebuild', name: 'search' });
  });

  test('a name that cannot exist is 404, a body with fields 400, both unasked', async () => {
    const it = answering({ name: 'history', paused: false }, 'consumers.resume');
    for (const what of ['pause', 'resume', 'rebuild']) {
      expect((await asAdmin(it, 'POST', `/consumers/a.b/${what}`)).status).toBe(404);
      expect((await asAdmin(it, 'POST', `/consumers/history/${what}`, { force: true })).status).toBe(400);
    }
    expect(it.uplink.request).not.toHaveBeenCalled();
    expect((await asAdmin(it, 'POST', '/consumers/history/resume')).status).toBe(200);
  });
});
