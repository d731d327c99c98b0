import { runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { AuditDigests, AuditedSession, AuditEvents, AuditInboxes } from '../../shared/contract/audit.ts';
import { SIGNATURE_HEADER, TIMESTAMP_HEADER } from '../../shared/contract/internal.ts';
import { eraseEvent } from '../../shared/core/event.ts';
import {
  compareDigests,
  DIGEST_BYTES,
  digestAt,
  digestOf,
  type DigestVerdict,
  type EventDigest,
} from '../../shared/core/event-digest.ts';
import type { Event } from '../../shared/core/types.ts';
import { alice, bob, eventually, TestSession } from './support.ts';

/** What an audit hears from the edge: digests of what is there and of what was trimmed, marks, and whole events. */

const secret = (env as unknown as { INTERNAL_SECRET: string }).INTERNAL_SECRET;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function post(request: object, sign = secret): Promise<Response> {
  const body = JSON.stringify(request);
  const timestamp = String(Date.now());
  const signature = createHmac('sha256', sign).update(`${timestamp}.${body}`).digest('hex');
  const headers = { 'Content-Type': 'application/json', [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: signature };
  const main = (exports as unknown as { default: Fetcher }).default;
  return await main.fetch('http://localhost:8787/internal/audit', { method: 'POST', headers, body });
}

async function ask(session: TestSession, from = 1): Promise<AuditedSession> {
  const response = await post({ v: 1, op: 'digests', ...session.identity, from });
  expect(response.status).toBe(200);
  const { session: found } = await response.json<AuditDigests>();
  if (found === undefined) throw new Error('no such session');
  return found;
}

/** Every digest, in as many calls as it takes; by seq, from 1. */
async function allDigests(session: TestSession): Promise<EventDigest[]> {
  const digests: EventDigest[] = [];
  for (let calls = 0; calls < 20; calls += 1) {
    const { digests: encoded, head } = await ask(session, digests.length + 1);
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.codePointAt(0) ?? 0);
    for (let index = 0; index < bytes.length / DIGEST_BYTES; index += 1) digests.push(digestAt(bytes, index));
    if (digests.length >= head) return digests;
  }
  throw new Error('it does not come to an end');
}

async function publishedEvents(session: TestSession, head: number): Promise<Event[]> {
  await eventually('all published', async () => (await session.published()).ids.length >= head);
  const items = await runInDurableObject(session.uplink(), (uplink) =>
    uplink.published.map(({ payload }) => JSON.parse(payload) as Event),
  );
  const bySeq = new Map(
    items.filter(({ sessionid }) => sessionid === session.identity.sessionId).map((each) => [each.seq, each]),
  );
  return [...bySeq.values()].toSorted((a, b) => a.seq - b.seq);
}

async function fill(session: TestSession, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 200) {
    await Promise.all(
      Array.from({ length: 200 }, (_, each) => session.send(alice, `m${sent + each}`, { id: `m${sent + each}` })),
    );
  }
}

/** All but the last thousand leave the tail. */
async function trim(session: TestSession, head: number): Promise<void> {
  await session.receipt([[1, head]]);
  await runInDurableObject(session.stub(), (_instance, state) => {
    state.storage.sql.exec(`UPDATE receipts SET taken_at = taken_at - 60000`);
  });
  await session.receipt([[1, 1]]);
}

function verdicts(edge: readonly EventDigest[], events: readonly Event[]): DigestVerdict[] {
  expect(edge).toHaveLength(events.length);
  return events.map((event, index) => compareDigests(edge[index] ?? { envelope: 0, data: 0 }, digestOf(event, sha256)));
}

test('a trimmed event keeps its digest, an erased one that it was erased, and one trimmed by an older build is unverifiable', async () => {
  const session = new TestSession();
  await session.create([{ userId: 'bob', role: 'member' }]);
  await session.must(alice, { name: 'trace.start', data: { id: 't1', name: 'secret' } });
  await fill(session, 1_600);
  await session.must(alice, { name: 'message.delete', data: { messageId: 'm1599' } });
  const head = 1_603;
  const events = await publishedEvents(session, head);
  // what was deleted while it was whole is erased in the tail
  const known = events.map((event) => (event.seq === 1_602 ? eraseEvent(event) : event));
  expect(new Set(verdicts(await allDigests(session), known))).toEqual(new Set(['same']));

  const rows = async (): Promise<number> =>
    await runInDurableObject(session.stub(), (_instance, state) => {
      return state.storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM digests`).one().n;
    });
  expect(await rows()).toBe(0);
  await trim(session, head);
  expect(await ask(session)).toMatchObject({ head, floor: head - 1_000 + 1, persisted: head, pending: [], failures: [] });
  expect(await rows()).toBe(1);
  expect(new Set(verdicts(await allDigests(session), known))).toEqual(new Set(['same']));

  await session.must(alice, { name: 'message.delete', data: { messageId: 'm3' } });
  await session.must(alice, { name: 'trace.purge', data: { traceId: 't1' } });
  const more = await publishedEvents(session, head + 2);
  const late = verdicts(await allDigests(session), more);
  const messageSeq = more.find(({ subject, type }) => subject === 'm3' && type === 'message.created')?.seq ?? 0;
  expect(late.flatMap((verdict, index) => (verdict === 'same' ? [] : [`${index + 1} ${verdict}`]))).toEqual(
    [2, messageSeq, 1_602].map((seq) => `${seq} unerased`),
  );
  const erased = more.map((event) => ([2, messageSeq, 1_602].includes(event.seq) ? eraseEvent(event) : event));
  expect(new Set(verdicts(await allDigests(session), erased))).toEqual(new Set(['same']));
  // the rest of an erased event is still compared
  const swapped = erased.map((event) => (event.seq === 2 ? { ...event, actor: 'mallory' } : event));
  expect(verdicts(await allDigests(session), swapped)[1]).toBe('different');

  await runInDurableObject(session.stub(), (_instance, state) => {
    state.storage.sql.exec(`DELETE FROM digests`);
  });
  const unknown = verdicts(await allDigests(session), erased);
  expect(unknown.filter((verdict) => verdict === 'unverifiable')).toHaveLength(head - 1_000);
  expect(unknown.slice(head - 1_000)).not.toContain('unverifiable');

  await session.must(alice, { name: 'session.delete', data: {} });
  const deleted = await publishedEvents(session, head + 3);
  expect((await ask(session)).isDeleted).toBe(true);
  const whole = verdicts(await allDigests(session), deleted);
  expect(new Set(whole.slice(0, -1))).toEqual(new Set(['unerased']));
  expect(whole.at(-1)).toBe('same');
});

test('marks say what waits, and what became a dead letter', async () => {
  const session = new TestSession();
  await session.create();
  for (const text of ['one', 'two', 'three']) await session.send(alice, text);
  const failure = { seq: 2, code: 'projection_failed', detail: '', consumer: 'history', at: Date.now() };
  await session.receipt([[2, 2]], [failure]);
  const found = await ask(session);
  expect(found).toMatchObject({
    head: 4,
    floor: 1,
    persisted: 0,
    isDeleted: false,
    pending: [
      { from: 1, to: 1 },
      { from: 3, to: 4 },
    ],
    failures: [{ seq: 2, consumer: 'history', code: 'projection_failed' }],
  });
  expect(Math.abs((found.oldestPendingAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
});

test('whole events can be had, and inboxes that do not show what the session says are named', async () => {
  const session = new TestSession();
  await session.create([{ userId: 'bob', role: 'member' }]);
  await session.send(alice, 'one');
  const events = async (from: number, to: number): Promise<Event[]> => {
    const answer = await post({ v: 1, op: 'events', ...session.identity, from, to });
    return (await answer.json<AuditEvents>()).events.map((each) => JSON.parse(each) as Event);
  };
  expect((await events(1, 9)).map(({ seq }) => seq)).toEqual([1, 2]);
  expect((await events(2, 2)).map(({ type }) => type)).toEqual(['message.created']);

  const inboxes = async (): Promise<AuditInboxes> =>
    await (await post({ v: 1, op: 'inboxes', ...session.identity, after: '' })).json<AuditInboxes>();
  // alice's own doing is told by the session; bob's inbox hears by notifications, which is not there
  await eventually('alice is told', async () => (await inboxes()).findings.every(({ userId }) => userId !== 'alice'));
  expect(await inboxes()).toEqual({ looked: 2, findings: [{ userId: 'bob', kind: 'missing', detail: 'not listed' }] });
  await session.must(bob, { name: 'read.advance', data: { seq: 2 } });
  await eventually('bob is told', async () => (await inboxes()).findings.length === 0);
});

test('who did not sign hears nothing, and a session that never was has no digests', async () => {
  const session = new TestSession();
  expect((await post({ v: 1, op: 'digests', ...session.identity, from: 1 }, 'another secret of the tests')).status).toBe(401);
  expect((await post({ v: 1, op: 'digests', ...session.identity, from: 0 })).status).toBe(400);
  expect(await (await post({ v: 1, op: 'digests', ...session.identity, from: 1 })).json()).toEqual({});
  expect(await (await post({ v: 1, op: 'inboxes', ...session.identity, after: '' })).json()).toEqual({ looked: 0, findings: [] });
});
