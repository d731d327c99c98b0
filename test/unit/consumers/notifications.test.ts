import { describe, expect, test } from 'vitest';
import { callsFor, notificationsProjection } from '../../../consumers/projections/notifications.ts';
import { TellPace } from '../../../consumers/projections/tell-pace.ts';
import type { SignedPost } from '../../../consumers/runtime/signed-post.ts';
import { SYSTEM_TIME } from '../../../consumers/runtime/time.ts';
import { StoreUnavailable } from '../../../consumers/stores/store-unavailable.ts';
import { notificationsRequest, type NotificationsRequest } from '../../../shared/contract/internal.ts';
import { INBOX_TELL_MS } from '../../../shared/core/limits.ts';
import type { Event } from '../../../shared/core/types.ts';
import { anEvent } from '../../contracts/events.ts';

const ref = (sessionId: string) => ({ tenant: 'default', sessionId });
const message = (sessionId: string, seq: number, mentions: string[] = []): Event => {
  const event = anEvent('message.created', { seq, sessionId });
  return { ...event, data: { ...event.data, mentions } };
};
const batchOf = (events: readonly Event[]) => events.map((event) => ({ event, publishedAtMs: 1 }));

/** An edge that answers as it is told, and what it was asked. */
function edge(...answers: ({ failed?: string[]; left?: string[] } | Error)[]) {
  const asked: NotificationsRequest[] = [];
  const post: SignedPost = async (path, request) => {
    expect(path).toBe('/internal/notifications');
    asked.push(notificationsRequest.parse(request));
    const answer = answers.shift() ?? {};
    if (answer instanceof Error) throw answer;
    return await Promise.resolve({ failed: (answer.failed ?? []).map(ref), left: (answer.left ?? []).map(ref) });
  };
  return { asked, projection: notificationsProjection(post, Date.now, SYSTEM_TIME) };
}

describe('what the edge is told', () => {
  test('each session once, with all that its events name', () => {
    const member = anEvent('member.removed', { seq: 4, sessionId: 's1' });
    const events = [message('s1', 2, ['ann', 'ben']), message('s2', 9), message('s1', 3, ['ben', 'cem']), member];
    expect(callsFor(events)).toEqual([
      [
        { ...ref('s1'), users: ['ann', 'ben', 'cem', member.subject] },
        { ...ref('s2'), users: [] },
      ],
    ]);
  });
  test('an erased event of a member still names it', () => {
    const member = anEvent('member.added', { seq: 2, sessionId: 's1' });
    const erased = { ...member, data: { id: member.subject, erased: true } } as Event;
    expect(callsFor([erased])).toEqual([[{ ...ref('s1'), users: [member.subject] }]]);
  });
  test('many names are spread over calls that the edge takes', () => {
    const users = Array.from({ length: 4_900 }, (_, at) => `user-${at}`.padEnd(128, 'x'));
    const events = Array.from({ length: 98 }, (_, at) => message('s1', at + 1, users.slice(at * 50, at * 50 + 50)));
    const calls = callsFor([...events, message('s2', 1)]);
    for (const call of calls) {
      const body = { v: 1, sessions: call };
      expect(notificationsRequest.safeParse(body).success).toBe(true);
      expect(JSON.stringify(body).length).toBeLessThan(1024 * 1024);
    }
    expect(new Set(calls.flat().flatMap((session) => session.users))).toEqual(new Set(users));
  });
});

describe('what becomes of a batch', () => {
  test('the events of a session that failed come again, its neighbours are done', async () => {
    const { projection } = edge({ failed: ['s2'] });
    const outcomes = await projection.handle(batchOf([message('s1', 1), message('s2', 1), message('s2', 2)]));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['ok', 'transient', 'transient']);
  });
  test('what the time of a call did not suffice for is asked again at once', async () => {
    const { projection, asked } = edge({ left: ['s2', 's3'] }, { left: ['s3'] }, {});
    const outcomes = await projection.handle(batchOf([message('s1', 1), message('s2', 1), message('s3', 1)]));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok']);
    expect(asked.map(({ sessions }) => sessions.map(({ sessionId }) => sessionId))).toEqual([
      ['s1', 's2', 's3'],
      ['s2', 's3'],
      ['s3'],
    ]);
  });
  test('an edge that never comes to an end gives the rest back within its bound', async () => {
    let nowMs = 0;
    const post: SignedPost = async () => {
      nowMs += 8_000;
      return await Promise.resolve({ failed: [], left: [ref('s2')] });
    };
    const projection = notificationsProjection(post, () => nowMs, SYSTEM_TIME);
    const outcomes = await projection.handle(batchOf([message('s1', 1), message('s2', 1)]));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['ok', 'transient']);
    expect(nowMs).toBeLessThanOrEqual(24_000);
  });
  test('an edge that is away is no fault of any event', async () => {
    const { projection } = edge(new Error('connect ECONNREFUSED'), new Error('still away'), {});
    await expect(projection.handle(batchOf([message('s1', 1)]))).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await projection.healthy()).toBe(false);
    expect(await projection.healthy()).toBe(true);
  });
});

describe('a busy session', () => {
  test('is told at once, and then as often as its members are told of their own doings', async () => {
    let nowMs = 1_000;
    const calls: { atMs: number; sessions: string[] }[] = [];
    const post: SignedPost = async (_path, request) => {
      calls.push({ atMs: nowMs, sessions: notificationsRequest.parse(request).sessions.map(({ sessionId }) => sessionId) });
      return await Promise.resolve({ failed: [], left: [] });
    };
    // the time that is waited for passes at once
    const after = (ms: number, run: () => void): (() => void) => {
      nowMs += ms;
      run();
      return () => undefined;
    };
    const projection = notificationsProjection(post, () => nowMs, { after });
    await projection.handle(batchOf([message('s1', 1)]));
    nowMs += 10;
    await projection.handle(batchOf([message('s1', 2), message('s1', 3)]));
    nowMs += 10;
    // who was quiet waits for nobody
    await projection.handle(batchOf([message('s1', 4), message('s2', 1)]));
    expect(calls).toEqual([
      { atMs: 1_000, sessions: ['s1'] },
      { atMs: 1_000 + INBOX_TELL_MS, sessions: ['s1'] },
      { atMs: 1_010 + INBOX_TELL_MS, sessions: ['s1', 's2'] },
    ]);
  });

  test('that was quiet since is told at once', () => {
    const pace = new TellPace();
    pace.told(['s1'], 1_000);
    expect(pace.waitMs(['s1'], 1_001)).toBe(INBOX_TELL_MS - 1);
    expect(pace.waitMs(['s1', 's2'], 1_001)).toBe(0);
    expect(pace.waitMs(['s1'], 1_000 + INBOX_TELL_MS)).toBe(0);
  });
});
