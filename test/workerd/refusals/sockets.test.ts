import { env } from 'cloudflare:workers';
import { createExecutionContext, runInDurableObject } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Env } from '../../../worker/env.ts';
import worker from '../../../worker/index.ts';
import { EdgeSession, send, type Frame } from '../edge.ts';
import { sessionStub } from '../support.ts';
import { Arena, expectProblem } from './arena.ts';

/** Upgrades, tickets and frames that are refused: contract §4 and §7. */

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.make(['private', 'public', 'deleted']);
});

const UNAUTHENTICATED = { status: 401, code: 'unauthenticated' } as const;
const protocols = (ticket: string) => ({ 'Sec-WebSocket-Protocol': `millrace.v1, ticket.${ticket}` });

describe('upgrades', () => {
  test.each([
    ...['-1', 'x', '', '1.5', '2147483648', '9007199254740993'].map((after) => ({
      name: `after=${after}`,
      who: 'alice',
      init: { query: `?after=${after}` },
      status: 400,
      code: 'invalid_request' as const,
    })),
    { name: 'no token', who: undefined, init: {}, ...UNAUTHENTICATED },
    { name: 'a ticket that is none', who: undefined, init: { headers: protocols('nonsense') }, ...UNAUTHENTICATED },
    { name: 'an empty ticket', who: undefined, init: { headers: protocols('') }, ...UNAUTHENTICATED },
    { name: 'a stranger', who: 'sam', init: {}, status: 404, code: 'session_not_found' as const },
    { name: 'a former member', who: 'fred', init: {}, status: 404, code: 'session_not_found' as const },
    {
      name: 'another subprotocol',
      who: 'alice',
      init: { headers: { 'Sec-WebSocket-Protocol': 'chat' } },
      status: 400,
      code: 'invalid_request' as const,
    },
    {
      name: 'an origin that is not allowed',
      who: 'alice',
      init: { headers: { Origin: 'https://evil.example.com' } },
      status: 403,
      code: 'origin_not_allowed' as const,
    },
    {
      name: 'the origin null',
      who: 'alice',
      init: { headers: { Origin: 'null' } },
      status: 403,
      code: 'origin_not_allowed' as const,
    },
    {
      name: 'an origin that begins like an allowed one',
      who: 'alice',
      init: { headers: { Origin: 'http://localhost.example.com' } },
      status: 403,
      code: 'origin_not_allowed' as const,
    },
    { name: 'no upgrade', who: 'alice', init: { headers: { Upgrade: 'h2c' } }, status: 426, code: 'upgrade_required' as const },
  ])('$name: $status $code', async ({ who, init, status, code }) => {
    await expectProblem(await arena.at().upgrade(who, init), { status, code });
    await arena.unchanged();
  });

  test('to a deleted session: 404', async () => {
    await expectProblem(await arena.at('deleted').upgrade('alice'), { status: 404, code: 'session_not_found' });
  });

  test('headers by which only the Worker speaks for a caller are not believed', async () => {
    const caller = encodeURIComponent(
      JSON.stringify({ actor: { id: 'alice', kind: 'user' }, tokenExpiresAtMs: Date.now() + 60_000 }),
    );
    const headers = {
      'Millrace-Caller': caller,
      'Millrace-Tenant': 'default',
      'Millrace-Session': arena.at().id,
      ...protocols('x'),
    };
    await expectProblem(await arena.at().upgrade(undefined, { headers }), UNAUTHENTICATED);
  });

  test.each([
    { origins: 'https://a.example.com, https://b.example.com', origin: 'https://b.example.com', status: 101 },
    { origins: 'https://a.example.com', origin: 'https://a.example.com:8443', status: 403 },
    { origins: 'https://a.example.com', origin: 'http://a.example.com', status: 403 },
    { origins: 'https://a.example.com', origin: 'https://A.example.com', status: 403 },
    { origins: 'https://a.example.com', origin: 'http://localhost:3000', status: 403 },
    { origins: '', origin: 'http://localhost:3000', status: 101 },
  ])('ALLOWED_ORIGINS $origins and $origin: $status', async ({ origins, origin, status }) => {
    const session = arena.at();
    const headers = { Upgrade: 'websocket', Origin: origin, ...protocols(await session.ticket('bob')) };
    const request = new Request(new URL(`${session.path}/socket`, 'http://localhost:8787'), { headers });
    const variables = { ...(env as unknown as Env), ALLOWED_ORIGINS: origins };
    const answer = await worker.fetch(request, variables, createExecutionContext());
    expect(answer.status).toBe(status);
    answer.webSocket?.accept();
    answer.webSocket?.close();
    const plain = await send('GET', '/healthz', { headers: { Origin: 'https://evil.example.com' } });
    expect(plain.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });
});

describe('tickets', () => {
  test('twice: the second is 401', async () => {
    const session = arena.at();
    const headers = protocols(await session.ticket('bob'));
    const first = await session.upgrade(undefined, { headers });
    expect(first.status).toBe(101);
    first.webSocket?.accept();
    await expectProblem(await session.upgrade(undefined, { headers }), UNAUTHENTICATED);
  });

  test('three at once: one gets in', async () => {
    const session = arena.at();
    const headers = protocols(await session.ticket('bob'));
    const answers = await Promise.all([1, 2, 3].map(() => session.upgrade(undefined, { headers })));
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([101, 401, 401]);
    for (const answer of answers) answer.webSocket?.accept();
  });

  test('of another session: 401, and still good for its own', async () => {
    const headers = protocols(await arena.at().ticket('bob'));
    await expectProblem(await arena.at('public').upgrade(undefined, { headers }), UNAUTHENTICATED);
    const own = await arena.at().upgrade(undefined, { headers });
    expect(own.status).toBe(101);
    own.webSocket?.accept();
  });

  test('expired: 401', async () => {
    const session = arena.at();
    const headers = protocols(await session.ticket('bob'));
    await runInDurableObject(sessionStub(session.id), (_instance, state) => {
      state.storage.sql.exec(`UPDATE tickets SET expires_at = ?`, Date.now() - 1);
    });
    await expectProblem(await session.upgrade(undefined, { headers }), UNAUTHENTICATED);
  });

  test('of a member who was removed since: 404', async () => {
    const own = await EdgeSession.make();
    const headers = protocols(await own.ticket('bob'));
    await own.must('alice', 'member.remove', { userId: 'bob' });
    await expectProblem(await own.upgrade(undefined, { headers }), { status: 404, code: 'session_not_found' });
  });

  test.each(['sam', 'fred'])('for %s: 404', async (who) => {
    await expect(arena.at().ticket(who)).rejects.toThrow('404');
  });

  test.each(['an unknown ticket', 'the ticket of another'])('a renewal with %s closes 4401', async (what) => {
    const session = arena.at();
    const socket = await session.connect('bob');
    socket.send({ type: 'renew', ticket: what === 'an unknown ticket' ? 'nonsense' : await session.ticket('alice') });
    expect((await socket.until('the close', () => socket.closed)).code).toBe(4401);
    await arena.unchanged();
  });
});

describe('frames', () => {
  const MIB = 1024 * 1024;
  const padded = (bytes: number) =>
    JSON.stringify({ type: 'command', id: 'f', command: 'message.send', data: { text: 'x', pad: '' } }).replace(
      '"pad":""',
      `"pad":"${'x'.repeat(bytes)}"`,
    );
  test.each([
    { name: 'not JSON', frame: '{' },
    { name: 'empty', frame: '' },
    { name: 'a ping of another form', frame: 'PING' },
    { name: 'null', frame: 'null' },
    { name: 'a list', frame: '[]' },
    { name: 'a number', frame: '1' },
    { name: 'a string', frame: '"ping"' },
    { name: 'no type', frame: '{}' },
    { name: 'an unknown type', frame: '{"type":"shout"}' },
    { name: 'a type that is a property', frame: '{"type":"__proto__"}' },
    { name: 'a type that only a server sends', frame: '{"type":"events","events":[]}' },
    { name: 'a command without id', frame: '{"type":"command","command":"message.send","data":{"text":"x"}}' },
    { name: 'a command whose id is a number', frame: '{"type":"command","id":1,"command":"message.send","data":{"text":"x"}}' },
    {
      name: 'a command with an id of 129 characters',
      frame: `{"type":"command","id":"${'i'.repeat(129)}","command":"message.send"}`,
    },
    { name: 'received without seq', frame: '{"type":"received"}' },
    { name: 'received of a negative seq', frame: '{"type":"received","seq":-1}' },
    { name: 'received of 2^53+1', frame: '{"type":"received","seq":9007199254740993}' },
    { name: 'renew without ticket', frame: '{"type":"renew"}' },
    { name: '1,000,000 levels', frame: '['.repeat(1_000_000) },
    { name: 'binary', frame: new TextEncoder().encode('{"type":"received","seq":1}') },
    { name: 'over 1 MiB', frame: padded(MIB) },
    { name: 'over 1 MiB in UTF-8 only', frame: `{"type":"received","seq":1,"pad":"${'ä'.repeat(MIB / 2)}"}` },
  ])('$name: closed 4400', async ({ frame }) => {
    const socket = await arena.at().connect('bob');
    if (typeof frame === 'string') socket.send(frame);
    else socket.sendBinary(frame);
    const { code } = await socket.until('the close', () => socket.closed);
    expect(code).toBe(4400);
    await arena.unchanged();
  });

  test('received of a seq ahead of the head changes nothing', async () => {
    const socket = await arena.at().connect('bob');
    socket.send({ type: 'received', seq: 2_147_483_647 });
    expect(await arena.at().frame(socket, 'message.send', { text: '' })).toMatchObject({ type: 'reject' });
    await arena.unchanged();
  });

  test('a command just under 1 MiB is rejected, not closed', async () => {
    const socket = await arena.at().connect('bob');
    socket.send(padded(MIB - 200));
    const answer = await socket.until('the reject', () => (socket.frames as Frame[]).find((frame) => frame.id === 'f'));
    expect(answer).toMatchObject({ type: 'reject', error: { code: 'invalid_request' } });
    await arena.unchanged();
  });

  test('the commands around a rejected one are taken, in order', async () => {
    const own = await EdgeSession.make();
    const socket = await own.connect('bob');
    const texts = ['one', '', 'two', 7, 'three'];
    const answers = await Promise.all(texts.map((text) => own.frame(socket, 'message.send', { text })));
    expect(answers.map(({ type, result }) => (type === 'ack' ? result?.seq : type))).toEqual([7, 'reject', 8, 'reject', 9]);
  });
});
