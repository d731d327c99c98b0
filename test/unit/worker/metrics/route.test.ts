import { describe, expect, it } from 'vitest';
import { acceptCount, acceptSumMs, commandCount, EVENTS, failureCount } from '../../../../worker/metrics/counts.ts';
import { exposition } from '../../../../worker/metrics/exposition.ts';
import type { UplinkFigures } from '../../../../worker/uplink/api.ts';
import { parseExposition, sumIn, valueIn } from '../../../support/exposition.ts';
import { problem, token, world } from '../support.ts';

const FIGURES: UplinkFigures = {
  startedAtMs: 5_000,
  counts: {
    [commandCount('socket', 'accepted')]: 7,
    [acceptCount('socket', 0)]: 4,
    [acceptCount('socket', 3)]: 2,
    [acceptCount('socket', 11)]: 1,
    [acceptSumMs('socket')]: 4_250,
    [EVENTS]: 9,
    [failureCount('timeout')]: 2,
  },
  outbox: { events: 3, sessions: 2, oldestAtMs: 60_000 },
  sockets: 11,
};

const read = async (scope: string, tenant = 'default') => ({ Authorization: `Bearer ${await token({ scope, tenant })}` });

describe('GET /metrics at the edge', () => {
  it('is for scrapers and operators, and not for those of one tenant', async () => {
    const { call } = world();
    expect((await call('GET', '/metrics')).status).toBe(401);
    for (const headers of [await read('service'), await read('admin', 'acme'), await read('metrics', 'acme')]) {
      expect(await problem(await call('GET', '/metrics', { headers }))).toMatchObject({ status: 403, code: 'forbidden' });
    }
    for (const scope of ['metrics', 'admin'])
      expect((await call('GET', '/metrics', { headers: await read(scope) })).status).toBe(200);
  });

  it('gives no right beyond it', async () => {
    const { call } = world();
    expect((await call('GET', '/v1/admin/dead-letters', { headers: await read('metrics') })).status).toBe(403);
  });

  it('asks every Uplink of every pool once, and tells which did not answer', async () => {
    const placement = JSON.stringify({ acme: { jurisdiction: 'eu' }, globex: { jurisdiction: 'eu' }, here: {} });
    const { call, env, uplink, names } = world({ UPLINKS: '2', TENANT_PLACEMENT: placement });
    const eu: unknown = env.UPLINK;
    Object.assign(env.UPLINK, { jurisdiction: () => eu });
    uplink.figures.mockResolvedValueOnce(FIGURES).mockRejectedValueOnce(new Error('gone'));
    const response = await call('GET', '/metrics', { headers: await read('metrics') });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const families = parseExposition(await response.text());
    expect(names).toEqual(['uplink-0', 'uplink-1', 'uplink-0', 'uplink-1']);
    expect(families.get('millrace_part_up')?.samples.map(({ labels, value }) => [labels['part'], value])).toEqual([
      ['uplink-0', 1],
      ['uplink-1', 0],
      ['eu uplink-0', 1],
      ['eu uplink-1', 1],
    ]);
    expect(valueIn(families, 'millrace_sockets', { uplink: 'uplink-0' })).toBe(11);
    expect(valueIn(families, 'millrace_sockets', { uplink: 'uplink-1' })).toBeUndefined();
    expect(sumIn(families, 'millrace_sockets')).toBe(11);
  });

  it('can be read by Prometheus, with ages in seconds and buckets that add up', () => {
    const families = parseExposition(exposition([{ name: 'uplink-0', figures: FIGURES }], 90_000));
    expect(valueIn(families, 'millrace_commands_total', { door: 'socket', outcome: 'accepted' })).toBe(7);
    expect(valueIn(families, 'millrace_commands_total', { door: 'nats', outcome: 'failed' })).toBe(0);
    const bucket = (le: string) => valueIn(families, 'millrace_accept_duration_seconds_bucket', { door: 'socket', le });
    expect(['0.001', '0.005', '0.01', '2.5', '+Inf'].map(bucket)).toEqual([4, 4, 6, 6, 7]);
    expect(valueIn(families, 'millrace_accept_duration_seconds_sum', { door: 'socket' })).toBe(4.25);
    expect(valueIn(families, 'millrace_outbox_oldest_age_seconds')).toBe(30);
    expect(valueIn(families, 'millrace_outbox_events')).toBe(3);
    expect(valueIn(families, 'millrace_uplink_failures_total', { reason: 'timeout' })).toBe(2);
    expect(valueIn(families, 'millrace_uplink_started_timestamp_seconds')).toBe(5);
  });
});

describe('what the Worker counts', () => {
  it('goes along with the next command: refused at the door, or failed on the way', async () => {
    const { as, session } = world();
    const send = async (body: object) => await as('POST', '/v1/sessions/s1/messages', body);
    await send({ text: 'so that nothing is left of other tests' });
    expect((await send({ text: '' })).status).toBe(400);
    expect((await send({ unknown: 1 })).status).toBe(400);
    session.execute.mockRejectedValueOnce(new Error('gone'));
    expect((await send({ text: 'lost' })).status).toBe(503);
    // what the lost one took along is lost with it
    expect(session.execute.mock.lastCall?.[1].aside).toEqual({ [commandCount('http', 'refused')]: 2 });
    expect((await send({ text: 'taken' })).status).toBe(202);
    expect(session.execute.mock.lastCall?.[1]).toMatchObject({
      door: 'http',
      aside: { [commandCount('http', 'failed')]: 1 },
    });
    await send({ text: 'next' });
    expect(session.execute.mock.lastCall?.[1]).not.toHaveProperty('aside');
  });

  it('leaves to the Session what the Session refused', async () => {
    const { as, session } = world();
    await as('POST', '/v1/sessions/s1/messages', { text: 'a' });
    session.execute.mockResolvedValueOnce({ ok: false, refusal: { code: 'forbidden', detail: 'no' } });
    expect((await as('POST', '/v1/sessions/s1/messages', { text: 'b' })).status).toBe(403);
    await as('POST', '/v1/sessions/s1/messages', { text: 'c' });
    expect(session.execute.mock.lastCall?.[1]).not.toHaveProperty('aside');
  });
});
