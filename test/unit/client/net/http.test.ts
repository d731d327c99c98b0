import { beforeEach, describe, expect, it } from 'vitest';
import { MillraceError } from '../../../../client/error.ts';
import { uuidV7 } from '../../../../client/net/ids.ts';
import { Http } from '../../../../client/net/http.ts';
import { TokenSource } from '../../../../client/net/token-source.ts';
import { problemOf } from '../../../../shared/contract/problem.ts';
import { ERROR_CODES, refusal, type ErrorCode } from '../../../../shared/core/codes.ts';
import { newRig, problem, type Rig } from '../rig.ts';

let rig: Rig;
let tokens: TokenSource;
let http: Http;

function start(more: Parameters<typeof newRig>[0] = {}): void {
  rig = newRig(more);
  tokens = new TokenSource(rig.environment, rig.options.getToken);
  http = new Http(rig.environment, tokens);
  rig.answer = () => ({ status: 200, body: { fine: true } });
}
beforeEach(() => start());

const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'fine',
    (error: unknown) => (error instanceof MillraceError ? error.code : String(error)),
  );

describe('tokens', () => {
  it('are asked for once by all who want one at the same time', async () => {
    await Promise.all([http.read('/a'), http.read('/b'), http.read('/c')]);
    expect(rig.tokens).toHaveLength(1);
  });

  it('are renewed before they expire, and after a sleep', async () => {
    await http.read('/a');
    rig.clock.nowMs += rig.tokenMs - 30_001;
    await http.read('/a');
    expect(rig.tokens).toHaveLength(1);
    rig.clock.nowMs += 1;
    await http.read('/a');
    expect(rig.tokens).toHaveLength(2);
    rig.clock.nowMs += 24 * 3_600_000;
    await http.read('/a');
    expect(rig.tokens).toHaveLength(3);
  });

  it('are replaced when one is refused, once', async () => {
    rig.answer = ({ headers }) =>
      headers['Authorization'] === `Bearer ${rig.tokens[0]}` ? problem('unauthenticated', 401) : { status: 200 };
    expect(await codeOf(http.read('/a'))).toBe('fine');
    rig.answer = () => problem('unauthenticated', 401);
    expect(await codeOf(http.read('/a'))).toBe('unauthenticated');
    expect([rig.tokens.length, rig.requests.length]).toEqual([3, 4]);
  });

  it('that cannot be had are a failure that may pass', async () => {
    let asked = 0;
    start({
      getToken: () => {
        asked += 1;
        if (asked < 3) throw new Error('login is away');
        return { token: 'opaque', expiresAt: rig.clock.nowMs + 1_000 };
      },
    });
    expect(await codeOf(http.once({ method: 'GET', path: '/a' }))).toBe('token_unavailable');
    const again = http.read('/a');
    await rig.pass(10_000);
    expect([await codeOf(again), asked]).toEqual(['fine', 3]);
  });

  it('that never come are given up', async () => {
    start({ getToken: () => new Promise(() => {}) });
    const asked = codeOf(http.once({ method: 'GET', path: '/a' }));
    await rig.pass(30_000);
    expect(await asked).toBe('token_unavailable');
  });

  it('say whose they are, in UTF-8', async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ sub: 'zoë', name: 'Zoë 🙂', kind: 'agent' }));
    start({ getToken: () => `x.${Buffer.from(bytes).toString('base64url')}.x` });
    await http.read('/a');
    expect(tokens.user).toEqual({ id: 'zoë', name: 'Zoë 🙂', kind: 'agent' });
  });
});

describe('queries', () => {
  it('are repeated a few times while that may help', async () => {
    rig.answer = () => problem('unavailable', 503, { retryAfterMs: 1_000 });
    const asked = codeOf(http.read('/a'));
    await rig.pass(60_000);
    expect([await asked, rig.requests.length]).toEqual(['unavailable', 4]);
  });

  it('are not repeated when it cannot', async () => {
    rig.answer = () => problem('forbidden', 403);
    expect([await codeOf(http.read('/a')), rig.requests.length]).toEqual(['forbidden', 1]);
  });

  it('without an answer are given up, and half an answer is none', async () => {
    rig.answer = () => new Promise(() => {});
    const asked = codeOf(http.once({ method: 'GET', path: '/a' }));
    await rig.pass(30_000);
    expect(await asked).toBe('timeout');
    start({ fetch: () => Promise.resolve(new Response('{"half":')) });
    expect(await codeOf(http.once({ method: 'GET', path: '/a' }))).toBe('network');
  });

  it('can be given up by the caller, also between two tries', async () => {
    rig.answer = () => problem('unavailable', 503, { retryAfterMs: 60_000 });
    const abort = new AbortController();
    const asked = codeOf(http.read('/a', abort.signal));
    await rig.pass(1_000);
    abort.abort();
    expect(await asked).toBe('aborted');
  });

  it('answered by something in between are told apart by status', async () => {
    for (const [status, code] of [
      [502, 'unavailable'],
      [418, 'protocol'],
    ] as const) {
      start({ fetch: () => Promise.resolve(new Response('<html>', { status })) });
      expect(await codeOf(http.once({ method: 'GET', path: '/a' }))).toBe(code);
    }
  });
});

describe('errors', () => {
  it('are transient exactly where the catalogue says that a retry helps', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      expect(MillraceError.of(problemOf(refusal(code, 'why'), 'c')).transient, code).toBe(ERROR_CODES[code].retry);
    }
  });
});

describe('made ids', () => {
  it('are UUIDv7: of their time, and random in the rest', () => {
    const id = uuidV7(0x0190_1234_5678, new Uint8Array(16).fill(0xff));
    expect(id).toBe('01901234-5678-7fff-bfff-ffffffffffff');
    expect(uuidV7(1)).toMatch(/^00000000-0001-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidV7(1)).not.toBe(uuidV7(1));
  });
});
