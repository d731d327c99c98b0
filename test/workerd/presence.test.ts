import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { PresenceAnswer } from '../../shared/contract/answers.ts';
import type { SignalFrame } from '../../shared/contract/frames.ts';
import type { Actor } from '../../shared/core/types.ts';
import { SOCKET_HEADERS, type Result } from '../../worker/session/api.ts';
import { alice, bob, eventually, TestSession, type TestSocket } from './support.ts';

const vera: Actor = { id: 'vera', kind: 'user' };

async function made(visibility?: 'public'): Promise<TestSession> {
  const session = new TestSession();
  const members = [
    { userId: 'bob', role: 'member' as const },
    { userId: 'vera', role: 'viewer' as const },
  ];
  await session.create(members, visibility);
  return session;
}

const signals = (socket: TestSocket, name: SignalFrame['name']): SignalFrame[] =>
  socket.frames.filter((frame): frame is SignalFrame => frame.type === 'signal' && frame.name === name);
const told = (socket: TestSocket, name: 'presence' | 'typing'): unknown[] =>
  signals(socket, name).map(({ user, data }) => [user.id, ...Object.values(data as object)]);
const says = (socket: TestSocket, status: string): void => socket.send({ type: 'signal', name: 'presence', data: { status } });
const types = (socket: TestSocket, active: unknown): void => socket.send({ type: 'signal', name: 'typing', data: { active } });

/** What everybody sees behind a message that is sent now: whatever was to be told before it has been told. */
async function settled(session: TestSession, ...sockets: TestSocket[]): Promise<void> {
  const { seq } = (await session.send(alice, 'settled')).accepted;
  for (const socket of sockets) await socket.until('the message', () => socket.seqs().includes(seq));
}

async function present(session: TestSession): Promise<unknown[]> {
  const page = (await session.stub().presence(session.identity, alice, { limit: 100 })) as Result<{ items: PresenceAnswer[] }>;
  if (!page.ok) throw new Error(page.refusal.code);
  return page.value.items.map(({ user, status, devices }) => [user.id, status, devices]);
}

/** Puts the time at which people left back, as the rows have it. */
const agoed = (session: TestSession, ms: number) =>
  runInDurableObject(session.stub(), (_instance, { storage: { sql } }) => {
    sql.exec(`UPDATE departures SET present = json_set(present, '$.goneAtMs', json_extract(present, '$.goneAtMs') - ?)`, ms);
  });
const departures = (session: TestSession) =>
  runInDurableObject(session.stub(), (_instance, { storage: { sql } }) => sql.exec(`SELECT user_id FROM departures`).toArray());

test('online with the first socket, away when every device is, and listed with all devices', async () => {
  const session = await made();
  const hers = await session.connect(alice);
  await settled(session, hers);
  const [desk, phone] = [await session.connect(bob), await session.connect(bob)];
  await settled(session, hers, desk, phone);
  expect(told(hers, 'presence')).toEqual([['bob', 'online']]);
  expect(told(desk, 'presence')).toEqual([]);
  expect(await present(session)).toEqual([
    ['alice', 'online', 1],
    ['bob', 'online', 2],
  ]);
  says(desk, 'away');
  await settled(session, hers, desk);
  expect(told(hers, 'presence')).toHaveLength(1);
  says(phone, 'away');
  await hers.until('away', () => told(hers, 'presence').length === 2);
  expect(told(hers, 'presence')[1]).toEqual(['bob', 'away']);
  expect(await present(session)).toContainEqual(['bob', 'away', 2]);
  says(desk, 'online');
  await hers.until('online', () => told(hers, 'presence').length === 3);
  expect(told(hers, 'presence')[2]).toEqual(['bob', 'online']);
});

test('presence survives sleep: nobody is told anew, and since stays what it was', async () => {
  const session = await made();
  const [hers, his] = [await session.connect(alice), await session.connect(bob)];
  await settled(session, hers, his);
  says(his, 'away');
  await hers.until('away', () => told(hers, 'presence').length === 2);
  const before = await session.stub().presence(session.identity, alice, { limit: 100 });
  await evictDurableObject(session.stub());
  expect(await session.stub().presence(session.identity, alice, { limit: 100 })).toEqual(before);
  await settled(session, hers, his);
  expect(told(hers, 'presence')).toHaveLength(2);
});

test('who comes back soon was never gone', async () => {
  const session = await made();
  const [hers, his] = [await session.connect(alice), await session.connect(bob)];
  his.close();
  await eventually('he left', async () => (await departures(session)).length === 1);
  expect(await present(session)).toContainEqual(['bob', 'online', 0]);
  await evictDurableObject(session.stub());
  const again = await session.connect(bob);
  expect(await departures(session)).toEqual([]);
  await settled(session, hers, again);
  expect(told(hers, 'presence')).toEqual([['bob', 'online']]);
});

test('who does not is offline by the alarm, also when the session slept since', async () => {
  const session = await made();
  const [hers, his] = [await session.connect(alice), await session.connect(bob)];
  his.close();
  await eventually('he left', async () => (await departures(session)).length === 1);
  await agoed(session, 60_000);
  await evictDurableObject(session.stub());
  await runDurableObjectAlarm(session.stub());
  await hers.until('offline', () => told(hers, 'presence').length === 2);
  expect(told(hers, 'presence')[1]).toEqual(['bob', 'offline']);
  expect(await departures(session)).toEqual([]);
  expect(await present(session)).toEqual([['alice', 'online', 1]]);
});

test('the alarm that tells it is set for less than a minute after the last socket closed', async () => {
  const session = await made();
  const [hers, his] = [await session.connect(alice), await session.connect(bob)];
  const beganMs = Date.now();
  his.close();
  await eventually('he left', async () => (await departures(session)).length === 1);
  const atMs = await runInDurableObject(session.stub(), (_instance, state) => state.storage.getAlarm());
  expect(atMs).toBeLessThan(beganMs + 60_000);
  await hers.until('offline, by the alarm alone', () => told(hers, 'presence').length === 2, 30_000);
});

test('a socket that vanished without a close is swept, and its user offline at once', async () => {
  const session = await made();
  const [hers] = [await session.connect(alice), await session.connect(bob)];
  await hers.until('online', () => told(hers, 'presence').length === 1);
  await runInDurableObject(session.stub(), (_instance, state) => {
    for (const socket of state.getWebSockets()) {
      const saved = socket.deserializeAttachment() as { caller: { actor: Actor }; seenAtMs: number; connectedAtMs: number };
      if (saved.caller.actor.id !== 'bob') continue;
      socket.serializeAttachment({ ...saved, seenAtMs: saved.seenAtMs - 91_000, connectedAtMs: saved.connectedAtMs - 91_000 });
    }
  });
  await evictDurableObject(session.stub());
  await runDurableObjectAlarm(session.stub());
  await hers.until('offline', () => told(hers, 'presence').length === 2);
  expect(told(hers, 'presence')[1]).toEqual(['bob', 'offline']);
});

test('a removed member is offline at once', async () => {
  const session = await made('public');
  const [hers, his] = [await session.connect(alice), await session.connect(bob)];
  await session.must(alice, { name: 'member.remove', data: { userId: 'bob' } });
  await his.until('close', () => his.closed);
  await hers.until('offline', () => told(hers, 'presence').length === 2);
  expect(await present(session)).toEqual([['alice', 'online', 1]]);
});

test('a socket that the Worker holds for an HTTP reader makes nobody present and gets no signals', async () => {
  const session = await made();
  const hers = await session.connect(alice);
  const caller = encodeURIComponent(JSON.stringify({ actor: bob, tokenExpiresAtMs: Date.now() + 600_000 }));
  const headers = {
    Upgrade: 'websocket',
    [SOCKET_HEADERS.tenant]: session.identity.tenant,
    [SOCKET_HEADERS.sessionId]: session.identity.sessionId,
    [SOCKET_HEADERS.caller]: caller,
    [SOCKET_HEADERS.quiet]: '1',
  };
  const answer = await session.stub().fetch('https://edge.test/v1/sessions/s/socket', { headers });
  expect(answer.status).toBe(101);
  answer.webSocket?.accept();
  await settled(session, hers);
  expect(told(hers, 'presence')).toEqual([]);
  expect(await present(session)).toEqual([['alice', 'online', 1]]);
});

test('presence is paged in the order of ids, and is no business of strangers', async () => {
  const session = await made();
  for (const who of [vera, bob, alice]) await session.connect(who);
  type Page = Result<{ items: PresenceAnswer[]; nextCursor?: string }>;
  const first = (await session.stub().presence(session.identity, alice, { limit: 2 })) as Page;
  if (!first.ok || first.value.nextCursor === undefined) throw new Error('there is a second page');
  expect(first.value.items.map(({ user }) => user.id)).toEqual(['alice', 'bob']);
  const second = (await session.stub().presence(session.identity, alice, { limit: 2, cursor: first.value.nextCursor })) as Page;
  expect(second).toMatchObject({ ok: true, value: { items: [{ user: { id: 'vera' } }] } });
  expect(second.ok && second.value.nextCursor).toBeUndefined();
  const stranger = { id: 'sam', kind: 'user' } as const;
  expect(await session.stub().presence(session.identity, stranger, { limit: 2 })).toMatchObject({
    ok: false,
    refusal: { code: 'session_not_found' },
  });
  expect(await session.stub().presence(session.identity, alice, { limit: 2, cursor: 'forged' })).toMatchObject({
    ok: false,
    refusal: { code: 'invalid_request' },
  });
});

test('typing goes to the others and to who joins meanwhile, and ends with the socket', async () => {
  const session = await made();
  const [hers, his] = [await session.connect(alice), await session.connect(bob)];
  types(his, true);
  await hers.until('typing', () => told(hers, 'typing').length === 1);
  const joined = await session.connect(vera);
  await joined.until('typing', () => told(joined, 'typing').length === 1);
  his.close();
  await hers.until('the end', () => told(hers, 'typing').length === 2);
  expect(told(hers, 'typing')).toEqual([
    ['bob', true],
    ['bob', false],
  ]);
  expect(told(his, 'typing')).toEqual([]);
});

test('signals of viewers, of backends for who is no member, and bad ones are dropped; the socket stays', async () => {
  const session = await made();
  const [hers, viewer] = [await session.connect(alice), await session.connect(vera)];
  types(viewer, true);
  for (const frame of [{ name: 'shout', data: {} }, { name: 'presence', data: { status: 'offline' } }, { name: 'typing' }, {}]) {
    viewer.send({ type: 'signal', ...frame });
  }
  types(viewer, 'yes');
  viewer.send({ type: 'signal', name: 'typing', data: { active: true, more: 1 } });
  const typing = (id: string) => ({ name: 'typing' as const, actor: { id, kind: 'agent' as const }, data: { active: true } });
  await session.stub().takeSignals(session.identity, [typing('sam'), typing('vera'), typing('bob')]);
  await settled(session, hers, viewer);
  expect(told(hers, 'typing')).toEqual([['bob', true]]);
  expect(told(hers, 'presence')).toEqual([['vera', 'online']]);
  expect(viewer.closed).toBeUndefined();
});

test('signals write nothing', async () => {
  const session = await made();
  const [hers, his] = [await session.connect(alice), await session.connect(bob)];
  await settled(session, hers, his);
  const rows = () =>
    runInDurableObject(session.stub(), (_instance, { storage: { sql } }) =>
      ['events', 'commands', 'members', 'departures', 'meta'].map((table) => sql.exec(`SELECT * FROM ${table}`).toArray()),
    );
  const before = await rows();
  types(his, true);
  says(his, 'away');
  await hers.until('both', () => told(hers, 'typing').length === 1 && told(hers, 'presence').length === 2);
  expect(await rows()).toEqual(before);
});
