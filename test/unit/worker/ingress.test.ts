import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DATA_SCHEMAS } from '../../../shared/contract/catalogue.ts';
import type { CommandsAnswer, CommandOutcome } from '../../../shared/contract/internal.ts';
import { refusal, type ErrorCode } from '../../../shared/core/codes.ts';
import { ACCEPTED, INTERNAL_SECRET, problem, world } from './support.ts';

const actor = { id: 'bot', name: 'Bot', kind: 'agent' };
const send = (data: unknown = { text: 'hello' }, more: object = {}) => ({ command: 'message.send', data, actor, ...more });
const relayed = (payload: unknown, more: object = {}) => ({
  tenant: 'acme',
  sessionId: 's1',
  idempotencyKey: 'nats:1.2',
  payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  ...more,
});

const signed = (text: string, atMs = Date.now()) => ({
  'Millrace-Timestamp': String(atMs),
  'Millrace-Signature': createHmac('sha256', INTERNAL_SECRET).update(`${atMs}.${text}`).digest('hex'),
});

async function post(it: ReturnType<typeof world>, path: string, request: object): Promise<Response> {
  const body = JSON.stringify(request);
  return await it.call('POST', path, { headers: signed(body), body });
}

async function bring(it: ReturnType<typeof world>, ...commands: object[]): Promise<CommandOutcome[]> {
  const response = await post(it, '/internal/commands', { v: 1, commands });
  expect(response.status).toBe(200);
  return ((await response.json()) as CommandsAnswer).outcomes;
}

/** what the relay and the backend see of an outcome */
const gist = (outcome: CommandOutcome | undefined): string =>
  outcome === undefined ? 'none' : outcome.kind === 'accepted' ? 'accepted' : `${outcome.kind} ${outcome.problem.code}`;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('commands of backends', () => {
  test('go to the session of their subject, as whoever they say, with their key and ids', async () => {
    const it = world();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const outcomes = await bring(it, relayed(send({ text: 'a' }, { commandId: 'c-9', correlationId: 'k-9', traceparent })));
    expect(outcomes).toEqual([{ kind: 'accepted', result: ACCEPTED }]);
    expect(it.names).toEqual(['acme/s1']);
    expect(it.session.execute.mock.calls[0]).toEqual([
      { tenant: 'acme', sessionId: 's1' },
      {
        command: { name: 'message.send', data: { text: 'a' } },
        // the right to publish is that of a service: to act for anyone
        actor: { id: 'bot', name: 'Bot', kind: 'agent', service: true },
        idempotencyKey: 'nats:1.2',
        commandId: 'c-9',
        correlationId: 'k-9',
        door: 'nats',
        traceparent,
      },
    ]);
  });

  test('without usable ids get ones, as at the other doors', async () => {
    const it = world();
    await bring(it, relayed(send({ text: 'a' }, { correlationId: 'two words', traceparent: 'nonsense' })));
    const [, input] = it.session.execute.mock.calls[0] ?? [];
    expect(input?.correlationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(input).not.toHaveProperty('traceparent');
    expect(input).not.toHaveProperty('commandId');
  });

  test('each have an outcome of their own, in their order', async () => {
    const it = world();
    const codes: Record<string, ErrorCode> = { s2: 'forbidden', s3: 'rate_limited', s4: 'overloaded' };
    it.session.execute.mockImplementation(async ({ sessionId }) => {
      const code = codes[sessionId];
      if (sessionId === 's5') throw new Error('a secret cause');
      if (code !== undefined)
        return { ok: false, refusal: refusal(code, 'no', code === 'rate_limited' ? { retryAfterMs: 70 } : {}) };
      return { ok: true, value: { accepted: ACCEPTED, replayed: sessionId === 's6' } };
    });
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const outcomes = await bring(it, ...[1, 2, 3, 4, 5, 6].map((n) => relayed(send(), { sessionId: `s${n}` })), relayed('{'));
    expect(outcomes.map(gist)).toEqual([
      'accepted',
      'refused forbidden',
      'later rate_limited',
      'later overloaded',
      'later unavailable',
      'accepted',
      'refused invalid_request',
    ]);
    expect(outcomes[2]).toMatchObject({ problem: { status: 429, retryAfterMs: 70 } });
    expect(outcomes[5]).toMatchObject({ replayed: true });
    expect(JSON.stringify(outcomes)).not.toContain('secret');
  });

  test.each<[string, unknown, string]>([
    ['no JSON', 'nonsense', 'refused invalid_request'],
    ['null', 'null', 'refused invalid_request'],
    ['too deep', '['.repeat(1_000), 'refused invalid_request'],
    ['an unknown member', send({ text: 'a' }, { surprise: 1 }), 'refused invalid_request'],
    ['an unknown command', { command: 'message.shout', data: {}, actor }, 'refused invalid_request'],
    ['nobody', { command: 'message.send', data: { text: 'a' } }, 'refused invalid_request'],
    ['an empty text', send({ text: ' ' }), 'refused message_empty'],
    ['a long text', send({ text: 'x'.repeat(50_001) }), 'refused message_too_long'],
    [
      'another session to create',
      { command: 'session.create', data: { id: 's2', title: 'T' }, actor },
      'refused invalid_request',
    ],
    ['its own session to create', { command: 'session.create', data: { id: 's1', title: 'T' }, actor }, 'accepted'],
    ['a session to create', { command: 'session.create', data: { title: 'T' }, actor }, 'accepted'],
    ['no data where none is needed', { command: 'session.archive', actor }, 'accepted'],
  ])('%s', async (_what, payload, expected) => {
    const it = world();
    const [outcome] = await bring(it, relayed(payload));
    expect(gist(outcome)).toBe(expected);
    expect(it.session.execute).toHaveBeenCalledTimes(expected === 'accepted' ? 1 : 0);
  });

  test('may be any of the catalogue', async () => {
    const it = world();
    for (const name of Object.keys(DATA_SCHEMAS)) {
      const [outcome] = await bring(it, relayed({ command: name, data: { surprise: 1 }, actor }));
      // known, and its data judged
      expect(outcome).toMatchObject({ kind: 'refused', problem: { code: 'invalid_request' } });
      expect(outcome).not.toMatchObject({ problem: { detail: 'There is no command of this name.' } });
    }
  });

  test('of a session that hangs are for later, and hold up the others only so long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const it = world();
    it.session.execute.mockImplementation(async ({ sessionId }) =>
      sessionId === 'hangs' ? await new Promise(() => undefined) : { ok: true, value: { accepted: ACCEPTED, replayed: false } },
    );
    const state: { outcomes?: CommandOutcome[] } = {};
    const startedMs = Date.now();
    const commands = [relayed(send(), { sessionId: 'hangs' }), ...Array.from({ length: 31 }, () => relayed(send()))];
    void bring(it, ...commands).then((outcomes) => (state.outcomes = outcomes));
    while (state.outcomes === undefined && Date.now() - startedMs < 60_000) {
      // signatures are checked on real threads
      await new Promise((resolve) => setImmediate(resolve));
      if (it.session.execute.mock.calls.length > 0) await vi.advanceTimersByTimeAsync(100);
    }
    expect(state.outcomes?.map(gist)).toEqual(['later unavailable', ...Array.from({ length: 31 }, () => 'accepted')]);
    expect(Date.now() - startedMs).toBeLessThanOrEqual(3_000);
  });

  test('need a signature, a fresh time stamp and their bounds', async () => {
    const it = world();
    const body = JSON.stringify({ v: 1, commands: [relayed(send())] });
    const calls: [Record<string, string>, string, string][] = [
      [{}, body, 'unauthenticated'],
      [signed(body, Date.now() - 301_000), body, 'unauthenticated'],
      [signed(`${body} `), body, 'unauthenticated'],
      [signed('{"v":2}'), '{"v":2}', 'invalid_request'],
      [signed('x'.repeat(4 * 1024 * 1024 + 1)), 'x'.repeat(4 * 1024 * 1024 + 1), 'payload_too_large'],
    ];
    for (const [headers, text, code] of calls) {
      expect((await problem(await it.call('POST', '/internal/commands', { headers, body: text }))).code).toBe(code);
      expect((await problem(await it.call('POST', '/internal/signals', { headers, body: text }))).code).toBe(code);
    }
    expect(it.session.execute).not.toHaveBeenCalled();
  });

  test('of the largest size pass, escaped as they are on the way', async () => {
    const it = world();
    const payload = JSON.stringify(send({ text: 'a', metadata: {} })).padEnd(1024 * 1024, '\n');
    expect((await bring(it, relayed(payload))).map(gist)).toEqual(['accepted']);
  });
});

describe('signals of backends', () => {
  const typing = { name: 'typing', actor: { id: 'bot', kind: 'agent' }, data: { active: true } };

  test('go to their sessions, and what those did not take is counted', async () => {
    const it = world();
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    it.session.takeSignals.mockImplementation(async ({ sessionId }) => {
      if (sessionId === 's2') throw new Error('no');
    });
    const sessions = ['s1', 's2', 's3'].map((sessionId) => ({ tenant: 'acme', sessionId, signals: [typing, typing] }));
    const response = await post(it, '/internal/signals', { v: 1, sessions });
    expect([response.status, await response.json()]).toEqual([200, { lost: 2 }]);
    expect(it.session.takeSignals.mock.calls[0]).toEqual([{ tenant: 'acme', sessionId: 's1' }, [typing, typing]]);
    expect(it.names).toContain('acme/s3');
  });
});
