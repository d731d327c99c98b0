import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { v7 } from 'uuid';
import type { InboxChange } from '../../shared/core/inbox.ts';
import { EdgeSession } from './edge.ts';
import { InboxUser } from './inbox-support.ts';
import { eventually, sessionStub } from './support.ts';

/** Past NATS: what users do themselves is in their own inbox, with no consumer in sight (contract §2). */

const OWN_MS_MAX = 2_000;

/** A session of its own between users of its own, for inboxes are shared by all tests. */
async function talk(members: { userId: string; role: string }[] = [], visibility: 'private' | 'public' = 'private') {
  const owner = new InboxUser(`owner-${v7()}`);
  const session = new EdgeSession();
  await session.must(owner.claims, 'session.create', { id: session.id, title: 'Talk', visibility, members });
  return { owner, session };
}

describe('P5: own changes are in the own inbox and list', () => {
  test('a session that was created', async () => {
    const { owner, session } = await talk();
    await owner.item(session.id, { role: 'owner', unread: 0, mentions: 0, head: 1 }, OWN_MS_MAX);
    const { items } = await owner.list();
    const direct = await (await import('./edge.ts')).as(owner.claims, 'GET', session.path);
    expect(items).toEqual([{ session: await direct.json(), unread: 0, mentions: 0 }]);
  });

  test('joining, stepping down and leaving', async () => {
    const { session } = await talk([], 'public');
    const guest = new InboxUser(`guest-${v7()}`);
    await session.must(guest.claims, 'member.put', { userId: guest.id, role: 'member' });
    await guest.item(session.id, { role: 'member' }, OWN_MS_MAX);
    await session.must(guest.claims, 'member.put', { userId: guest.id, role: 'viewer' });
    await guest.item(session.id, { role: 'viewer' }, OWN_MS_MAX);
    const { rev } = await guest.inbox();
    await session.must(guest.claims, 'member.remove', { userId: guest.id });
    await eventually('it is gone', async () => (await guest.list()).items.length === 0, OWN_MS_MAX);
    await eventually('it is said to be gone', async () => (await guest.inbox(rev)).items[0]?.removed, OWN_MS_MAX);
    expect((await guest.inbox()).items).toEqual([]);
  });

  test('reading, and what is unread counts from there', async () => {
    const guest = new InboxUser(`guest-${v7()}`);
    const { owner, session } = await talk([{ userId: guest.id, role: 'member' }]);
    await session.must(guest.claims, 'read.advance', { seq: 1 });
    await guest.item(session.id, { unread: 0, head: 1 }, OWN_MS_MAX);
    for (const text of ['one', 'two', 'three']) await session.must(owner.claims, 'message.send', { text });
    expect((await guest.list()).items[0]).toMatchObject({ unread: 3, lastMessage: { text: 'three' }, session: { head: 4 } });
    await session.must(guest.claims, 'read.advance', { seq: 3 });
    await guest.item(session.id, { unread: 1, head: 4 }, OWN_MS_MAX);
    expect((await guest.list()).items[0]).toMatchObject({ unread: 1 });
  });

  test('deleting', async () => {
    const { owner, session } = await talk();
    await owner.item(session.id, { role: 'owner' }, OWN_MS_MAX);
    const { rev } = await owner.inbox();
    await session.must(owner.claims, 'session.delete', {});
    expect((await owner.list()).items).toEqual([]);
    await eventually('it is said to be gone', async () => (await owner.inbox(rev)).items[0]?.removed, OWN_MS_MAX);
  });

  test('an archived one stays in the list', async () => {
    const { owner, session } = await talk();
    await session.must(owner.claims, 'session.archive', {});
    await eventually('it is listed', async () => (await owner.list()).items[0]?.session.status === 'archived', OWN_MS_MAX);
  });
});

describe('counts', () => {
  test('whoever sends has read up to there; a deleted message stays unread and mentions nobody', async () => {
    const guest = new InboxUser(`guest-${v7()}`);
    const { owner, session } = await talk([{ userId: guest.id, role: 'member' }]);
    const mentions = [guest.id, owner.id, 'a-stranger'];
    await session.must(owner.claims, 'message.send', { id: 'm1', text: 'one', mentions });
    await session.must(owner.claims, 'message.send', { id: 'm2', text: 'two', mentions });
    await session.must(guest.claims, 'read.advance', { seq: 1 });
    await guest.item(session.id, { unread: 2, mentions: 2 }, OWN_MS_MAX);
    expect((await owner.list()).items[0]).toMatchObject({ unread: 0, mentions: 0 });
    await session.must(owner.claims, 'message.delete', { messageId: 'm1' });
    expect((await guest.list()).items[0]).toMatchObject({ unread: 2, mentions: 1 });
    await session.must(guest.claims, 'message.send', { text: 'an answer' });
    expect((await guest.list()).items[0]).toMatchObject({ unread: 0, mentions: 0 });
    const members = await (await import('./edge.ts')).as(guest.claims, 'GET', `${session.path}/members`);
    expect(JSON.stringify(await members.json())).toContain('"readSeq":1');
  });

  test('end at 100', async () => {
    const guest = new InboxUser(`guest-${v7()}`);
    const { owner, session } = await talk([{ userId: guest.id, role: 'member' }]);
    for (let at = 0; at < 103; at += 1) await session.must(owner.claims, 'message.send', { text: 'x', mentions: [guest.id] });
    await session.must(guest.claims, 'read.advance', { seq: 1 });
    await guest.item(session.id, { unread: 100, mentions: 100 }, OWN_MS_MAX);
    await session.must(guest.claims, 'read.advance', { seq: 5 });
    await guest.item(session.id, { unread: 99, mentions: 99 }, OWN_MS_MAX);
    const kept = await runInDurableObject(sessionStub(session.id), (_, state) =>
      state.storage.sql.exec(`SELECT count(*) AS n FROM mentions`).one(),
    );
    expect(kept).toEqual({ n: 99 });
  });
});

describe('telling the inbox', () => {
  const waiting = async (session: EdgeSession) =>
    runInDurableObject(sessionStub(session.id), (_, state) =>
      state.storage.sql
        .exec<{ user_id: string }>(`SELECT user_id FROM inbox_outbox`)
        .toArray()
        .map((row) => row.user_id),
    );

  test('many reads are told as the last of them, and nothing is left to tell', async () => {
    const guest = new InboxUser(`guest-${v7()}`);
    const { owner, session } = await talk([{ userId: guest.id, role: 'member' }]);
    for (let at = 0; at < 40; at += 1) await session.must(owner.claims, 'message.send', { text: `${at}` });
    for (let seq = 1; seq <= 41; seq += 1) await session.must(guest.claims, 'read.advance', { seq });
    await guest.item(session.id, { unread: 0, head: 41 }, OWN_MS_MAX);
    // a revision is a telling that changed something
    expect((await guest.inbox()).rev).toBeLessThan(20);
    await eventually('all are told', async () => (await waiting(session)).length === 0);
  });

  test('what an eviction cut off is told by the object that wakes', async () => {
    const { owner, session } = await talk();
    await eventually('told', async () => (await waiting(session)).length === 0);
    const late = new InboxUser(`late-${v7()}`);
    await session.must(owner.claims, 'member.put', { userId: late.id, role: 'viewer' });
    await runInDurableObject(sessionStub(session.id), (_, state) => {
      state.storage.sql.exec(`INSERT INTO inbox_outbox (user_id) VALUES (?)`, late.id);
    });
    await evictDurableObject(sessionStub(session.id));
    await (await import('./edge.ts')).as(owner.claims, 'GET', session.path);
    await late.item(session.id, { role: 'viewer' }, OWN_MS_MAX);
    await eventually('all are told', async () => (await waiting(session)).length === 0);
  });

  test('an inbox that fails is told again by the alarm', async () => {
    const { owner, session } = await talk([], 'public');
    const guest = new InboxUser(`guest-${v7()}`);
    // an inbox whose tables are in the way of its own
    await runInDurableObject(guest.stub(), (_, state) => {
      state.storage.sql.exec(`CREATE TABLE entries (other TEXT)`);
    });
    await session.must(guest.claims, 'member.put', { userId: guest.id, role: 'member' });
    await eventually('others are told meanwhile', async () => (await owner.inbox()).items.length === 1);
    expect(await waiting(session)).toEqual([guest.id]);
    await runInDurableObject(guest.stub(), (_, state) => {
      state.storage.sql.exec(`DROP TABLE entries`);
    });
    await eventually('the alarm tells it', async () => {
      await runDurableObjectAlarm(sessionStub(session.id));
      return (await waiting(session)).length === 0;
    });
    await guest.item(session.id, { role: 'member' });
  });
});

describe('the inbox itself', () => {
  const change = (sessionId: string, more: Partial<InboxChange> = {}): InboxChange => ({
    sessionId,
    head: 1,
    headOrdinal: 0,
    activity: 1_000,
    role: 'member',
    readOrdinal: 0,
    mentions: [],
    ...more,
  });
  const take = async (user: InboxUser, changes: InboxChange[]) =>
    user.stub().take({ tenant: 'default', userId: user.id }, changes);

  test('a change that was overtaken brings nothing back', async () => {
    const user = new InboxUser(`user-${v7()}`);
    await take(user, [change('s1', { head: 9, role: null })]);
    await take(user, [change('s1', { head: 3 })]);
    expect((await user.inbox()).items).toEqual([]);
    await take(user, [change('s1', { head: 12 })]);
    expect((await user.inbox()).items).toMatchObject([{ sessionId: 's1', head: 12, role: 'member' }]);
  });

  test('a repetition makes no revision', async () => {
    const user = new InboxUser(`user-${v7()}`);
    const changes = [change('s1'), change('s2', { headOrdinal: 4, mentions: [2, 3] })];
    await take(user, changes);
    const before = await user.inbox();
    await take(user, changes.toReversed());
    expect(await user.inbox()).toEqual(before);
    expect(await user.inbox(before.rev)).toEqual({ type: 'inbox', rev: before.rev, items: [] });
    // a revision from a future that never was: all there is
    expect(await user.inbox(before.rev + 1)).toEqual(before);
  });

  test('reading it writes nothing', async () => {
    const user = new InboxUser(`user-${v7()}`);
    expect(await user.inbox()).toEqual({ type: 'inbox', rev: 0, items: [] });
    expect(await user.list()).toEqual({ items: [] });
    const tables = await runInDurableObject(user.stub(), (_, state) =>
      state.storage.sql.exec(`SELECT name FROM sqlite_master WHERE name IN ('entries', 'tickets', 'meta')`).toArray(),
    );
    expect(tables).toEqual([]);
  });

  test('a long one comes in parts that join', async () => {
    const user = new InboxUser(`user-${v7()}`);
    const all = Array.from({ length: 1_203 }, (_, at) => change(`s${at}`, { activity: at }));
    await take(user, all);
    const seen: string[] = [];
    let part = await user.inbox();
    for (;;) {
      seen.push(...part.items.map((item) => item.sessionId));
      if (part.more !== true) break;
      part = await user.inbox(part.rev);
    }
    expect(seen).toEqual(all.map(({ sessionId }) => sessionId));
    const device = await user.connect();
    await device.socket.until('all parts', () => device.items().size === all.length);
    expect(device.frames().map(({ items }) => items.length)).toEqual([500, 500, 203]);
  });
});
