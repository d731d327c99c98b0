import { describe, expect, test } from 'vitest';
import type { AdminRequest } from '../../../shared/contract/admin.ts';
import { problem, token, world } from './support.ts';

type World = ReturnType<typeof world>;

const ANALYTICS = '/v1/admin/analytics';
const FROM = '2026-01-01T00:00:00.000Z';

async function ask(it: World, path: string): Promise<Response> {
  return await it.call('GET', `${ANALYTICS}${path}`, { headers: { Authorization: `Bearer ${await token({ scope: 'admin' })}` } });
}

function answering(items: object[]): World {
  const it = world();
  const answer = { ok: true, op: 'analytics.query', result: { items } };
  it.uplink.request.mockImplementation(async () => ({ ok: true, payload: JSON.stringify(answer) }));
  return it;
}

const asked = (it: World): AdminRequest => JSON.parse(it.uplink.request.mock.calls.at(-1)?.[1] ?? '') as AdminRequest;

describe('analytics', () => {
  test('are asked for whole steps of the tenant, and answered with the span', async () => {
    const asking = answering([{ at: FROM, messages: 3, later: 'builds say more' }]);
    const response = await ask(asking, '/messages?step=hour&from=2026-01-01T00:20:00Z&to=2026-01-01T00:40:00Z');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      query: 'messages',
      step: 'hour',
      from: FROM,
      to: '2026-01-01T01:00:00.000Z',
      items: [{ at: FROM, messages: 3 }],
    });
    expect(asked(asking)).toMatchObject({
      tenant: 'default',
      query: 'messages',
      step: 'hour',
      fromMs: Date.parse(FROM),
      points: 1,
    });
  });

  test('are of the last day per hour when nobody says', async () => {
    const asking = answering([]);
    expect((await ask(asking, '/latency')).status).toBe(200);
    const { points } = asked(asking) as { points: number };
    expect(points).toBeGreaterThanOrEqual(24);
    expect(points).toBeLessThanOrEqual(25);
  });

  test.each([
    ['/nothing', 404, 'not_found'],
    ['/messages?step=week', 400, 'invalid_request'],
    ['/messages?from=yesterday', 400, 'invalid_request'],
    [`/messages?from=${FROM}&to=${FROM}`, 400, 'invalid_request'],
    ['/messages?from=1969-12-31T00:00:00Z&to=1970-01-02T00:00:00Z', 400, 'invalid_request'],
    ['/messages?step=minute&from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z', 400, 'invalid_request'],
  ])('%s is %i %s, and nobody is asked', async (path, status, code) => {
    const asking = answering([]);
    expect(await problem(await ask(asking, path))).toMatchObject({ status, code });
    expect(asking.uplink.request).not.toHaveBeenCalled();
  });

  test('are unavailable when what came back is not understood', async () => {
    expect(await problem(await ask(answering([{ at: FROM }]), '/messages'))).toMatchObject({ status: 503, code: 'unavailable' });
  });
});
