import { beforeEach, describe, expect, it } from 'vitest';
import { Operator } from '../../../client/admin/index.ts';
import { newRig, type Reply, type Rig } from './rig.ts';

const EVERY_MS = 2_000;

let rig: Rig;
let operator: Operator;

beforeEach(() => {
  rig = newRig();
  operator = new Operator(rig.options);
});

const asked = (): string[] => rig.requests.map(({ method, path }) => `${method} ${path}`);

describe('an operator', () => {
  it('asks what the contract has, each at its place', async () => {
    rig.answer = () => ({ status: 200, body: { items: [] } });
    await operator.overview();
    await operator.consumers();
    await operator.deadLetters({ consumer: 'history', cursor: 'a/b', limit: undefined });
    await operator.deadLetter('7-history');
    await operator.audit('s');
    await operator.log();
    await operator.analytics('active-users', { step: 'minute' });
    expect(asked()).toEqual([
      'GET /v1/admin/overview',
      'GET /v1/admin/consumers',
      'GET /v1/admin/dead-letters?consumer=history&cursor=a%2Fb',
      'GET /v1/admin/dead-letters/7-history',
      'GET /v1/admin/audit/sessions/s',
      'GET /v1/admin/log',
      'GET /v1/admin/analytics/active-users?step=minute',
    ]);
  });

  it('does what the contract has, with a body each', async () => {
    rig.answer = () => ({ status: 200, body: {} });
    await operator.pause('history', '2026-01-02T00:00:00Z');
    await operator.resume('history');
    await operator.rebuild('search');
    await operator.redrive('7-history');
    await operator.discard('7-history');
    await operator.redriveAll({ consumer: 'history', dryRun: true });
    expect(asked()).toEqual([
      'POST /v1/admin/consumers/history/pause',
      'POST /v1/admin/consumers/history/resume',
      'POST /v1/admin/consumers/search/rebuild',
      'POST /v1/admin/dead-letters/7-history/redrive',
      'POST /v1/admin/dead-letters/7-history/discard',
      'POST /v1/admin/dead-letters/redrive',
    ]);
    expect(rig.requests.map(({ body }) => body)).toEqual([
      { until: '2026-01-02T00:00:00Z' },
      {},
      {},
      {},
      {},
      { consumer: 'history', dryRun: true },
    ]);
  });

  it('sends what changes something once: a failure is the caller’s to judge', async () => {
    rig.answer = () => ({ status: 503, body: { code: 'unavailable', status: 503, detail: 'No worker is running.' } });
    await expect(operator.redrive('7-history')).rejects.toMatchObject({ code: 'unavailable', message: 'No worker is running.' });
    expect(rig.requests.length).toBe(1);
  });
});

describe('a poll', () => {
  let value = 0;
  const poll = () => operator.poll(async (each, signal) => (await each.overview(signal)).at, { everyMs: EVERY_MS });

  beforeEach(() => {
    value = 0;
    rig.answer = () => ({ status: 200, body: { at: String((value += 1)) } });
  });

  it('reads again and again while it is held, and not otherwise', async () => {
    const each = poll();
    await rig.pass(10 * EVERY_MS);
    expect(rig.requests.length).toBe(0);
    const release = each.open();
    await rig.pass(2 * EVERY_MS + 10);
    expect(rig.requests.length).toBe(3);
    expect(each.getSnapshot()).toMatchObject({ value: '3', error: undefined, isLoading: false });
    const second = each.open();
    release();
    release();
    await rig.pass(EVERY_MS);
    expect(rig.requests.length).toBe(4);
    second();
    await rig.pass(10 * EVERY_MS);
    expect(rig.requests.length).toBe(4);
  });

  it('keeps its last answer while there is no other, and says why', async () => {
    const each = poll();
    const release = each.open();
    await rig.pass(10);
    const { atMs } = each.getSnapshot();
    const refused: Reply = { status: 403, body: { code: 'forbidden', status: 403, detail: 'no' } };
    rig.answer = () => refused;
    await rig.pass(EVERY_MS);
    expect(each.getSnapshot()).toMatchObject({ value: '1', atMs, error: { code: 'forbidden' } });
    rig.answer = () => ({ status: 200, body: { at: 'later' } });
    await rig.pass(EVERY_MS);
    expect(each.getSnapshot()).toMatchObject({ value: 'later', error: undefined });
    release();
  });

  it('refreshes at once, and an answer to the question before does not come over it', async () => {
    const each = poll();
    const answers: ((reply: Reply) => void)[] = [];
    rig.answer = () => new Promise((resolve) => answers.push(resolve));
    const release = each.open();
    await rig.pass(1);
    each.refresh();
    await rig.pass(1);
    expect(answers.length).toBe(2);
    answers[1]?.({ status: 200, body: { at: 'new' } });
    answers[0]?.({ status: 200, body: { at: 'old' } });
    await rig.pass(1);
    expect(each.getSnapshot().value).toBe('new');
    rig.answer = () => ({ status: 200, body: { at: 'next' } });
    rig.sign('visible');
    await rig.pass(1);
    expect(each.getSnapshot().value).toBe('next');
    release();
    each.refresh();
    await rig.pass(1);
    expect(rig.requests.length).toBe(3);
  });
});
