import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { v7 } from 'uuid';
import { as, EdgeSession, send } from './edge.ts';
import { InboxUser } from './inbox-support.ts';
import { expectProblem, type Expected } from './refusals/arena.ts';
import { eventually } from './support.ts';

/** The socket of an inbox: contract §4. */

const fresh = (more: Record<string, unknown> = {}) => new InboxUser(`user-${v7()}`, more);
const protocols = (ticket: string) => ({ 'Sec-WebSocket-Protocol': `millrace.v1, ticket.${ticket}` });
const UNAUTHENTICATED = { status: 401, code: 'unauthenticated' } as const;

async function create(user: InboxUser): Promise<EdgeSession> {
  const session = new EdgeSession();
  await session.must(user.claims, 'session.create', { id: session.id, title: 'Mine' });
  return session;
}

describe('frames', () => {
  test('the first comes at once, also when there is nothing', async () => {
    const device = await fresh().connect();
    await device.socket.until('a frame', () => device.frames().length === 1);
    expect(device.frames()).toEqual([{ type: 'inbox', rev: 0, items: [] }]);
  });

  test('devices are in step, and a late one begins with all there is', async () => {
    const user = fresh();
    const devices = [await user.connect(), await user.connect()];
    const session = await create(user);
    for (const device of devices) await device.until(session.id, { role: 'owner', unread: 0, head: 1 });
    await session.must(user.claims, 'read.advance', { seq: 1 });
    await session.must(user.claims, 'session.delete', {});
    for (const device of devices) await device.until(session.id, { removed: true });
    expect(devices[0]?.rev()).toBe(devices[1]?.rev());
    const other = await create(user);
    const late = await user.connect();
    await late.until(other.id, { role: 'owner' });
    expect([...late.items().keys()]).toEqual([other.id]);
  });

  test('who comes back with its revision gets what it missed, and what was removed', async () => {
    const user = fresh();
    const [kept, gone] = [await create(user), await create(user)];
    const device = await user.connect();
    await device.until(kept.id, { role: 'owner' });
    await device.until(gone.id, { role: 'owner' });
    device.socket.close();
    await gone.must(user.claims, 'session.delete', {});
    await user.item(kept.id, { role: 'owner' });
    await eventually('it is removed', async () => (await user.inbox(device.rev())).items.length > 0);
    const again = await user.connect(`?after=${device.rev()}`);
    await again.until(gone.id, { removed: true });
    expect([...again.items().keys()]).toEqual([gone.id]);
  });

  test('what changes often comes together', async () => {
    const user = fresh();
    const device = await user.connect();
    const identity = { tenant: 'default', userId: user.id };
    const about = { sessionId: 's1', activity: 1, role: 'member', readOrdinal: 0, mentions: [] } as const;
    for (let head = 1; head <= 200; head += 1) {
      await user.stub().take(identity, [{ ...about, head, headOrdinal: head }]);
    }
    await device.until('s1', { head: 200, unread: 100 });
    expect(device.frames().length).toBeLessThan(100);
    expect(device.rev()).toBe(200);
  });

  test('P4: a device goes on across evictions, and hears what was on its way', async () => {
    const user = fresh();
    const device = await user.connect();
    const first = await create(user);
    await device.until(first.id, { role: 'owner' });
    await evictDurableObject(user.stub());
    const second = await create(user);
    await device.until(second.id, { role: 'owner' });
    const identity = { tenant: 'default', userId: user.id };
    const about = { sessionId: 's1', head: 1, headOrdinal: 1, activity: 1, readOrdinal: 0, mentions: [] };
    await user.stub().take(identity, [{ ...about, role: 'member' }]);
    await evictDurableObject(user.stub());
    await user.inbox();
    await device.until('s1', { role: 'member' });
    expect(device.socket.closed).toBeUndefined();
  });

  test('the heartbeat is answered', async () => {
    const device = await fresh().connect();
    const pong = new Promise<string>((resolve) => device.socket.onText((text) => text === 'pong' && resolve(text)));
    device.socket.send('ping');
    expect(await pong).toBe('pong');
  });
});

describe('closing', () => {
  test.each([
    { name: 'not JSON', frame: '{' },
    { name: 'a command', frame: '{"type":"command","id":"1","command":"session.create","data":{"title":"x"}}' },
    { name: 'an unknown type', frame: '{"type":"shout"}' },
    { name: 'renew without ticket', frame: '{"type":"renew"}' },
    { name: 'too long', frame: JSON.stringify({ type: 'renew', ticket: 'x', pad: 'x'.repeat(2_000) }) },
    { name: 'binary', frame: new TextEncoder().encode('{"type":"renew","ticket":"x"}') },
  ])('$name: 4400', async ({ frame }) => {
    const device = await fresh().connect();
    if (typeof frame === 'string') device.socket.send(frame);
    else device.socket.sendBinary(frame);
    expect((await device.socket.until('the close', () => device.socket.closed)).code).toBe(4400);
  });

  test('a renewal keeps it, one with the ticket of another closes 4401', async () => {
    const [user, other] = [fresh(), fresh()];
    const device = await user.connect();
    device.socket.send({ type: 'renew', ticket: await user.ticket() });
    const session = await create(user);
    await device.until(session.id, { role: 'owner' });
    device.socket.send({ type: 'renew', ticket: await other.ticket() });
    expect((await device.socket.until('the close', () => device.socket.closed)).code).toBe(4401);
  });

  test('4401 once the token has expired, by the alarm', async () => {
    const user = fresh({ exp: Math.floor(Date.now() / 1_000) + 2 });
    const device = await user.connect();
    await device.socket.until('a frame', () => device.frames().length === 1);
    const closed = device.socket.until('the close', () => device.socket.closed, 20_000);
    expect(await runInDurableObject(user.stub(), (_, state) => state.storage.getAlarm())).not.toBeNull();
    expect((await closed).code).toBe(4401);
  });

  test('1012 for one that was not heard of for three heartbeats', async () => {
    const user = fresh();
    const device = await user.connect();
    await device.socket.until('a frame', () => device.frames().length === 1);
    await runInDurableObject(user.stub(), (_, state) => {
      for (const socket of state.getWebSockets()) {
        const saved = socket.deserializeAttachment() as { seenAtMs: number; connectedAtMs: number };
        socket.serializeAttachment({ ...saved, seenAtMs: 1, connectedAtMs: 1 });
      }
    });
    await evictDurableObject(user.stub());
    await runDurableObjectAlarm(user.stub());
    expect((await device.socket.until('the close', () => device.socket.closed)).code).toBe(1012);
  });

  test('the twenty-first is refused, until one is gone', async () => {
    const user = fresh();
    const devices = await Promise.all(Array.from({ length: 20 }, () => user.connect()));
    await expectProblem(await user.upgrade(), { status: 429, code: 'rate_limited' });
    devices[0]?.socket.close();
    await eventually('there is room again', async () => (await user.upgrade()).status === 101);
  });
});

describe('refusals', () => {
  test.each(['-1', 'x', '', '1.5', '99999999999'])('after=%s: 400', async (after) => {
    const expected: Expected = { status: 400, code: 'invalid_request' };
    await expectProblem(await fresh().upgrade({ query: `?after=${after}` }), expected);
    await expectProblem(await as(fresh().claims, 'GET', `/v1/inbox?after=${after}`), expected);
  });

  test.each(['0', '101', 'x', '-1'])('limit=%s: 400', async (limit) => {
    await expectProblem(await as(fresh().claims, 'GET', `/v1/sessions?limit=${limit}`), { status: 400, code: 'invalid_request' });
  });

  test('a cursor that was not made here, or for another: 400', async () => {
    const [user, other] = [fresh(), fresh()];
    await create(user);
    await create(user);
    await eventually('both are listed', async () => (await user.list()).items.length === 2);
    const { nextCursor } = await user.list('?limit=1');
    expect((await user.list(`?limit=1&cursor=${nextCursor}`)).items).toHaveLength(1);
    const bad: [InboxUser, string][] = [
      [user, 'nonsense'],
      [user, `${nextCursor}A`],
      [other, nextCursor ?? ''],
    ];
    for (const [who, cursor] of bad) {
      const answer = await as(who.claims, 'GET', `/v1/sessions?cursor=${cursor}`);
      await expectProblem(answer, { status: 400, code: 'invalid_request' });
    }
  });

  test('no upgrade: 426; another origin: 403; another subprotocol: 400', async () => {
    const user = fresh();
    const cases: [Record<string, string>, Expected][] = [
      [{ Upgrade: 'h2c' }, { status: 426, code: 'upgrade_required' }],
      [{ Origin: 'https://evil.example.com' }, { status: 403, code: 'origin_not_allowed' }],
      [{ 'Sec-WebSocket-Protocol': 'chat' }, { status: 400, code: 'invalid_request' }],
    ];
    for (const [headers, expected] of cases) await expectProblem(await user.upgrade({ headers }), expected);
  });

  test.each(['/v1/sessions', '/v1/inbox', '/v1/inbox/socket'])('%s without a token: 401', async (path) => {
    await expectProblem(await send('GET', path, { headers: { Upgrade: 'websocket' } }), UNAUTHENTICATED);
  });

  test('a ticket with a body: 400', async () => {
    const answer = await as(fresh().claims, 'POST', '/v1/inbox/tickets', { x: 1 });
    await expectProblem(answer, { status: 400, code: 'invalid_request' });
  });

  test('headers by which only the Worker speaks are not believed', async () => {
    const [user, other] = [fresh(), fresh()];
    const session = await create(other);
    await other.item(session.id, { role: 'owner' });
    const headers = { 'Millrace-User': other.id, 'Millrace-Tenant': 'default', 'Millrace-Session': session.id };
    const response = await user.upgrade({ headers });
    expect(response.status).toBe(101);
    const frame = new Promise((resolve) => response.webSocket?.addEventListener('message', ({ data }) => resolve(data)));
    response.webSocket?.accept();
    expect(await frame).toBe('{"type":"inbox","rev":0,"items":[]}');
    await expectProblem(await user.upgrade({ anonymous: true, headers: { ...headers, ...protocols('x') } }), UNAUTHENTICATED);
  });
});

describe('tickets', () => {
  test('open one socket, once', async () => {
    const headers = protocols(await fresh({ name: 'Ann' }).ticket());
    const user = fresh();
    const answers = await Promise.all([1, 2, 3].map(() => user.upgrade({ anonymous: true, headers })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([101, 401, 401]);
    expect(answers.find(({ status }) => status === 101)?.headers.get('Sec-WebSocket-Protocol')).toBe('millrace.v1');
    for (const answer of answers) answer.webSocket?.accept();
  });

  test('of a user whose id has every kind of character', async () => {
    const user = new InboxUser(`o'neil+${v7()}@example.com;=.%~`);
    const headers = protocols(await user.ticket());
    const answer = await user.upgrade({ anonymous: true, headers });
    expect(answer.status).toBe(101);
    answer.webSocket?.accept();
  });

  test('of a session open no inbox, and those of an inbox no session; neither is used up', async () => {
    const user = fresh();
    const session = await create(user);
    const [forSession, forInbox] = [await session.ticket(user.claims), await user.ticket()];
    await expectProblem(await user.upgrade({ anonymous: true, headers: protocols(forSession) }), UNAUTHENTICATED);
    await expectProblem(await session.upgrade(undefined, { headers: protocols(forInbox) }), UNAUTHENTICATED);
    const answers = [
      await user.upgrade({ anonymous: true, headers: protocols(forInbox) }),
      await session.upgrade(undefined, { headers: protocols(forSession) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([101, 101]);
    for (const answer of answers) answer.webSocket?.accept();
  });

  test('expire', async () => {
    const user = fresh();
    const headers = protocols(await user.ticket());
    await runInDurableObject(user.stub(), (_, state) => {
      state.storage.sql.exec(`UPDATE tickets SET expires_at = ?`, Date.now() - 1);
    });
    await expectProblem(await user.upgrade({ anonymous: true, headers }), UNAUTHENTICATED);
  });
});
