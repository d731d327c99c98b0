import { beforeEach, describe, expect, it } from 'vitest';
import { MillraceError } from '../../../../client/error.ts';
import { COMMAND_AGE_MS_MAX, QUEUE_COMMANDS_MAX } from '../../../../client/net/bounds.ts';
import { Http } from '../../../../client/net/http.ts';
import { Outbox, type Outcome } from '../../../../client/net/outbox.ts';
import { TokenSource } from '../../../../client/net/token-source.ts';
import { accepted, newRig, problem, type Reply, type Rig } from '../rig.ts';

let rig: Rig;
let outbox: Outbox;
let frames: Record<string, unknown>[];
let socketOpen: boolean;
let keys: number;

function newOutbox(): Outbox {
  const http = new Http(rig.environment, new TokenSource(rig.environment, rig.options.getToken));
  return new Outbox(rig.environment, http, 's', {
    send: (frame) => {
      if (socketOpen) frames.push(frame as Record<string, unknown>);
      return socketOpen;
    },
  });
}

beforeEach(() => {
  rig = newRig();
  frames = [];
  socketOpen = false;
  keys = 0;
  let seq = 0;
  rig.answer = () => accepted((seq += 1));
  outbox = newOutbox();
});

function send(text = 'hello', more: { signal?: AbortSignal } = {}): Promise<Outcome> {
  const outcome = outbox.submit({ name: 'message.send', data: { text }, key: `key-${(keys += 1)}`, ...more });
  // tests look at it later
  outcome.catch(() => {});
  return outcome;
}

/** What became of it: the seq, or the code of the failure. */
const result = (outcome: Promise<Outcome>): Promise<number | string> =>
  outcome.then(
    ({ seq }) => seq,
    (error: unknown) => (error instanceof MillraceError ? error.code : String(error)),
  );

describe('commands on their way', () => {
  it('go over HTTP without a socket: path parameters in the path, the key in its header', async () => {
    const done = outbox.submit({ name: 'reaction.add', data: { messageId: 'm 1', emoji: '👍' }, key: 'k' });
    await rig.pass(0);
    expect(rig.requests[0]).toMatchObject({
      method: 'PUT',
      path: '/v1/sessions/s/messages/m%201/reactions/%F0%9F%91%8D',
      body: {},
      headers: { 'Idempotency-Key': 'k' },
    });
    expect(await result(done)).toBe(1);
  });

  it('go over an open socket, with all fields in data', async () => {
    socketOpen = true;
    const done = outbox.submit({ name: 'reaction.add', data: { messageId: 'm', emoji: ':x:' }, key: 'k' });
    expect(frames).toEqual([
      { type: 'command', id: '1', command: 'reaction.add', data: { messageId: 'm', emoji: ':x:' }, idempotencyKey: 'k' },
    ]);
    outbox.answered({ type: 'ack', id: '1', result: accepted(9).body, replayed: true });
    expect(await done).toMatchObject({ seq: 9, replayed: true });
    expect(rig.requests).toEqual([]);
  });

  it('are sent one after the other, so that a refusal in the middle cannot change their order', async () => {
    socketOpen = true;
    const all = [send('a'), send('b'), send('c')];
    expect(frames).toHaveLength(1);
    outbox.answered({ type: 'ack', id: '1', result: accepted(1).body });
    outbox.answered({ type: 'reject', id: '2', error: problem('rate_limited', 429, { retryAfterMs: 2_000 }).body });
    expect(frames, 'c waits for b').toHaveLength(2);
    await rig.pass(2_000);
    expect(frames.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['key-1', 'key-2', 'key-2']);
    outbox.answered({ type: 'ack', id: '3', result: accepted(2).body });
    outbox.answered({ type: 'ack', id: '4', result: accepted(3).body });
    expect(await Promise.all(all.map(result))).toEqual([1, 2, 3]);
  });

  it('of a stream do not wait for others, nor others for them', () => {
    socketOpen = true;
    void send();
    void outbox.submit({ name: 'stream.append', data: { messageId: 'm', index: 0, text: 'x' }, key: 'a' });
    void outbox.submit({ name: 'stream.cancel', data: { messageId: 'm' }, key: 'b' });
    expect(frames.map(({ command }) => command)).toEqual(['message.send', 'stream.append', 'stream.cancel']);
  });

  it('are sent again by the other door, with the same key, when a socket is lost or silent', async () => {
    socketOpen = true;
    const lost = send('lost');
    socketOpen = false;
    outbox.closed();
    await rig.pass(0);
    expect(rig.requests[0]?.headers['Idempotency-Key']).toBe('key-1');
    expect(await result(lost)).toBe(1);
    socketOpen = true;
    const silent = send('silent');
    await rig.pass(10_000);
    expect(rig.requests[1]?.headers['Idempotency-Key']).toBe('key-2');
    expect(await result(silent)).toBe(2);
    outbox.answered({ type: 'ack', id: '2', result: accepted(99).body });
    expect(await result(silent), 'a late answer changes nothing').toBe(2);
  });

  it('are not tried by a second door while a request is under way', async () => {
    let finish = (): void => {};
    rig.answer = () => new Promise((resolve) => (finish = () => resolve(accepted(1))));
    const done = send();
    await rig.pass(0);
    socketOpen = true;
    outbox.opened();
    expect(frames).toEqual([]);
    finish();
    expect(await result(done)).toBe(1);
  });

  describe('that went by HTTP as the socket did not answer', () => {
    let answer: (reply: Reply) => void;
    let done: Promise<number | string>;

    beforeEach(async () => {
      rig.answer = () => new Promise((resolve) => (answer = resolve));
      socketOpen = true;
      done = result(send());
      await rig.pass(10_000);
    });

    const reject = (code: 'session_archived' | 'rate_limited', status: number): void =>
      outbox.answered({ type: 'reject', id: '1', error: problem(code, status).body });

    it.each([
      ['refused', 'session_archived', 409],
      ['told to wait', 'rate_limited', 429],
    ] as const)('are what the request says, should the frame be %s after all', async (_what, code, status) => {
      reject(code, status);
      await rig.pass(15_000);
      expect(rig.requests, 'and no third try beside it').toHaveLength(1);
      expect(frames).toHaveLength(1);
      answer(accepted(7));
      expect(await done).toBe(7);
    });

    it('are accepted when the frame took effect after the request was refused', async () => {
      answer(problem('session_archived', 409));
      await rig.pass(1_000);
      outbox.answered({ type: 'ack', id: '1', result: accepted(8).body });
      expect(await done).toBe(8);
    });

    it('are refused when the frame is refused too, or is never answered', async () => {
      answer(problem('session_archived', 409));
      await rig.pass(1_000);
      reject('rate_limited', 429);
      expect(await done).toBe('session_archived');
      const second = result(send());
      await rig.pass(10_000);
      answer(problem('session_archived', 409));
      await rig.pass(10_000);
      expect(await second).toBe('session_archived');
    });

    it('are asked for anew when the socket was lost before it answered', async () => {
      answer(problem('session_archived', 409));
      await rig.pass(1_000);
      socketOpen = false;
      outbox.closed();
      await rig.pass(0);
      expect(rig.requests.map(({ headers }) => headers['Idempotency-Key'])).toEqual(['key-1', 'key-1']);
      answer(accepted(9));
      expect(await done).toBe(9);
    });
  });

  it('wait out an outage, and go on once the socket is back', async () => {
    rig.answer = () => {
      throw new TypeError('fetch failed');
    };
    const done = send();
    await rig.pass(3_600_000);
    expect(outbox.size).toBe(1);
    const tries = rig.requests.length;
    expect(tries).toBeGreaterThan(100);
    socketOpen = true;
    outbox.opened();
    outbox.answered({ type: 'ack', id: String(frames.at(-1)?.['id']), result: accepted(5).body });
    expect(await result(done)).toBe(5);
  });

  it.each([
    ['forbidden', 403],
    ['session_archived', 409],
    ['invalid_request', 400],
  ])('are rejected for good with %s, and those behind go on', async (code, status) => {
    rig.answer = ({ body }) => ((body as { text: string }).text === 'bad' ? problem(code, status) : accepted(7));
    const [bad, good] = [send('bad'), send('good')];
    await rig.pass(60_000);
    expect([await result(bad), await result(good)]).toEqual([code, 7]);
    expect(rig.requests).toHaveLength(2);
  });

  it('are rejected after five times `internal`, lest they hold up those behind', async () => {
    rig.answer = ({ body }) => ((body as { text: string }).text === 'bad' ? problem('internal', 500) : accepted(7));
    const [bad, good] = [send('bad'), send('good')];
    await rig.pass(300_000);
    expect([await result(bad), await result(good), rig.requests.length]).toEqual(['internal', 7, 6]);
  });

  it('expire while their keys are still remembered', async () => {
    rig.answer = () => problem('unavailable', 503, { retryAfterMs: 600_000 });
    const done = send();
    await rig.pass(COMMAND_AGE_MS_MAX + 1_200_000);
    expect(await result(done)).toBe('expired');
  });

  it(`are refused beyond ${QUEUE_COMMANDS_MAX} that wait, and nothing of them is sent`, async () => {
    rig.answer = () => problem('unavailable', 503);
    const waiting = Array.from({ length: QUEUE_COMMANDS_MAX }, () => result(send()));
    expect(await result(send('one too many'))).toBe('queue_full');
    outbox.end(new MillraceError('closed', 'Over.'));
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['closed']));
    expect(await result(send())).toBe('closed');
  });

  it('can be given up, and those behind go on', async () => {
    rig.answer = ({ body }) => ((body as { text: string }).text === 'stuck' ? problem('unavailable', 503) : accepted(3));
    const abort = new AbortController();
    const [stuck, next] = [send('stuck', { signal: abort.signal }), send('next')];
    await rig.pass(1_000);
    abort.abort();
    await rig.pass(1_000);
    expect([await result(stuck), await result(next)]).toEqual(['aborted', 3]);
  });
});
