import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { MessageAnswer, TraceAnswer, TraceDetail } from '../../shared/contract/answers.ts';
import { QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import { event as eventSchema, type WireEvent } from '../../scripts/replay/answers.ts';
import { runAudit } from '../support/audit.ts';
import { readEvents, refusalOf, sessionPath, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** Reactions, threads and traces through the whole system: seen at once, read back from the store, erased everywhere. */

const T0 = '2026-01-01T00:00:00.000Z';
const T1 = '2026-01-01T00:00:02.000Z';
/** more than a session keeps and lets pile up before it trims */
const FILLING = 1_400;
/** the tail is kept for 60 s after it was persisted, then trimmed by an alarm that may come a little later */
const TRIMMED_WITHIN_MS = 180_000;
const TRIM_LOOK_EVERY_MS = 2_000;

let stack: Stack;
let alice: User;
let bob: User;

async function get<T>(user: User, path: string): Promise<T> {
  // whoever asks says what it is, and every field is compared
  return (await user.get(path)).body as T;
}

/** What the archive itself holds, asked as the edge asks it. */
async function archived(sessionId: string, seqs: readonly number[]): Promise<WireEvent[]> {
  const connection = await connect({ servers: stack.nats });
  try {
    const question = { v: 1, op: 'eventsAt', tenant: 'default', sessionId, seqs };
    const reply = await connection.request(QUERY_SUBJECT, JSON.stringify(question), { timeout: 5_000 });
    return z.object({ ok: z.literal(true), events: z.array(eventSchema) }).parse(reply.json()).events;
  } finally {
    await connection.close();
  }
}

/** Rows of the read model, as another reader of the file finds them. */
function storedRows(table: 'reactions' | 'traces' | 'spans', columns: string, sessionId: string): Record<string, unknown>[] {
  const database = new DatabaseSync(join(stack.dataDir, 'history.db'), { readOnly: true });
  try {
    return database
      .prepare(`SELECT ${columns} FROM ${table} WHERE session_id = ? ORDER BY 1`)
      .all(sessionId)
      .map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

/** True when a new socket from the beginning is served from the tail alone. */
async function resumesFromStart(sessionId: string): Promise<boolean> {
  const { socket } = await bob.watch(sessionId, 0);
  await bob.close();
  if (socket.refills === 0) await sleep(TRIM_LOOK_EVERY_MS);
  return socket.refills === 0;
}

async function trimmed(sessionId: string): Promise<void> {
  const remaining = Array.from({ length: FILLING }, (_, at) => at).values();
  const lane = async (): Promise<void> => {
    for (const at of remaining) await alice.send(sessionId, `filling ${at}`);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  await until('the tail no longer begins at seq 1', async () => !(await resumesFromStart(sessionId)), TRIMMED_WITHIN_MS);
}

requireOrSkip('nats-server', natsServerMissing())('messages and traces in full', () => {
  beforeAll(async () => {
    const limits = { LIMIT_COMMANDS_PER_S: '100000', LIMIT_COMMANDS_BURST: '100000' };
    stack = await startStack({ env: limits });
    alice = new User(stack.url, await stack.token('alice'));
    bob = new User(stack.url, await stack.token('bob', { kind: 'agent' }));
    await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200);
  });
  afterAll(async () => {
    await Promise.all([alice?.close(), bob?.close()]);
    await stack?.stop();
  });

  test('P5: with NATS and every consumer stopped, reactions and traces are seen at once, and by sockets', async () => {
    const sessionId = 'dark';
    const S = sessionPath(sessionId);
    await alice.create({ id: sessionId, title: 'Dark', members: [{ userId: 'bob', role: 'member' }] });
    const watched = await alice.watch(sessionId, 0);
    await stack.stop('consumers');
    await stack.stop('nats');
    try {
      await bob.send(sessionId, 'hello', { id: 'm1', role: 'assistant' });
      await alice.command('PUT', `${S}/messages/m1/reactions/${encodeURIComponent('👍🏽')}`);
      await bob.command('POST', `${S}/traces`, { id: 't1', name: 'answer' });
      const span = { spanId: 'a', name: 'search', startedAt: T0, kind: 'tool', input: 'q' };
      await bob.command('POST', `${S}/traces/t1/spans`, span);
      await bob.command('POST', `${S}/traces/t1/finish`, { status: 'completed' });
      expect(await get<MessageAnswer>(bob, `${S}/messages/m1`)).toMatchObject({
        reactions: [{ emoji: '👍🏽', count: 1, mine: false, userIds: ['alice'] }],
      });
      expect(await get<TraceDetail>(alice, `${S}/traces/t1`)).toMatchObject({ status: 'completed', spanCount: 1, spans: [span] });
      await until('the socket has all', () => watched.socket.lastSeq === 6);
      expect(watched.events.map(({ type }) => type).slice(1)).toEqual([
        'message.created',
        'reaction.added',
        'trace.started',
        'trace.span',
        'trace.finished',
      ]);
    } finally {
      await stack.start('nats');
      await stack.start('consumers');
    }
  });

  test('a trace is read back from the store after the tail was trimmed, whole or not at all, and its purge erases it everywhere', async () => {
    const sessionId = 'traced';
    const S = sessionPath(sessionId);
    await alice.create({ id: sessionId, title: 'Traced', members: [{ userId: 'bob', role: 'member' }] });
    await bob.command('POST', `${S}/traces`, { id: 't1', name: 'secret plan', metadata: { k: 'secret' } });
    const part = { name: 'secret', startedAt: T0 };
    await bob.command('POST', `${S}/traces/t1/spans`, { ...part, spanId: 'child', parentSpanId: 'root', input: { q: 'secret' } });
    await bob.command('POST', `${S}/traces/t1/spans`, { ...part, spanId: 'root', kind: 'agent', input: 'x'.repeat(60_000) });
    await bob.command('POST', `${S}/traces/t1/spans`, {
      ...part,
      spanId: 'child',
      endedAt: T1,
      status: 'ok',
      output: ['secret'],
    });
    await bob.command('POST', `${S}/traces/t1/finish`, { status: 'failed', error: 'secret' });
    await alice.send(sessionId, 'kept', { id: 'm1' });
    await alice.command('PUT', `${S}/messages/m1/reactions/%3Aship%3A`);
    const removed = await alice.command('DELETE', `${S}/messages/m1/reactions/%3Aship%3A`);
    const added = await bob.command('PUT', `${S}/messages/m1/reactions/%3Aship%3A`);
    expect([removed.seq, added.seq]).toEqual([9, 10]);
    const whole = await get<TraceDetail>(alice, `${S}/traces/t1`);
    expect(whole).toMatchObject({ author: { id: 'bob', kind: 'agent' }, spanCount: 2, error: 'secret' });
    expect(whole.spans[0]).toMatchObject({ spanId: 'child', input: { q: 'secret' }, output: ['secret'], durationMs: 2_000 });

    await trimmed(sessionId);
    expect(await get<TraceDetail>(alice, `${S}/traces/t1`)).toEqual(whole);
    const { spans, ...row } = whole;
    expect(await get<{ items: TraceAnswer[] }>(alice, `${S}/traces`)).toEqual({ items: [row] });
    const page = await get<TraceDetail>(alice, `${S}/traces/t1?limit=1`);
    expect(await get<TraceDetail>(alice, `${S}/traces/t1?limit=1&cursor=${page.nextCursor}`)).toEqual({
      ...row,
      spans: [spans[1]],
    });
    expect(storedRows('reactions', 'user_id, emoji, active', sessionId)).toEqual([
      { user_id: 'alice', emoji: ':ship:', active: 0 },
      { user_id: 'bob', emoji: ':ship:', active: 1 },
    ]);
    expect(storedRows('traces', 'seq, id, status, error', sessionId)).toEqual([
      { seq: 2, id: 't1', status: 'failed', error: 'secret' },
    ]);
    expect(storedRows('spans', 'seq, span_id, output, active', sessionId)).toEqual([
      { seq: 3, span_id: 'child', output: '["secret"]', active: 1 },
      { seq: 4, span_id: 'root', output: null, active: 1 },
    ]);
    await stack.stop('consumers');
    expect(await alice.http.request('GET', `${S}/traces/t1`)).toMatchObject({ status: 503, body: { code: 'unavailable' } });

    // the store does not hear of it yet: the edge alone keeps it from coming back
    const purged = await alice.command('DELETE', `${S}/traces/t1`);
    await stack.start('consumers');
    const covered = [2, 3, 4, 5, 6];
    const erased = covered.map((seq) => expect.objectContaining({ seq, data: { id: 't1', erased: true } }) as unknown);
    const caughtUp = async (): Promise<WireEvent[]> => (await readEvents(bob.http, sessionId)).events;
    expect((await caughtUp()).slice(1, 6)).toEqual(erased);
    expect(await refusalOf(alice.get(`${S}/traces/t1`))).toBe('trace_not_found');
    expect(await get<{ items: TraceAnswer[] }>(alice, `${S}/traces`)).toEqual({ items: [] });
    await alice.persisted(sessionId, purged.commandId);
    expect(await archived(sessionId, covered)).toEqual(erased);
    const events = await caughtUp();
    expect(events.at(-1)).toMatchObject({
      type: 'trace.purged',
      data: { id: 't1', traceSeq: 2, spanSeqs: [3, 4], updatedSeqs: [5] },
    });
    const rows = [storedRows('traces', '*', sessionId), storedRows('spans', '*', sessionId), events];
    expect(JSON.stringify(rows, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))).not.toContain(
      'secret',
    );
    expect(storedRows('traces', 'seq, status', sessionId)).toEqual([{ seq: 2, status: 'purged' }]);
  }, 400_000);

  test('an audit knows of trimmed events what they were, and of erased ones that they were erased', async () => {
    const audited = await until('nothing is on its way', async () => {
      const now = await runAudit(stack);
      return now.report.pending + now.report.behind === 0 && now;
    });
    expect(audited.report.reports).toEqual([]);
    expect(audited).toMatchObject({ code: 0, report: { unverifiable: 0, failed: 0 } });

    const changed = (sql: string): void => {
      const database = new DatabaseSync(join(stack.dataDir, 'history.db'), { timeout: 5_000 });
      expect(Number(database.prepare(sql).run().changes)).toBe(1);
      database.close();
    };
    // long out of the tail, so only its digest and the stream still know
    changed(
      `UPDATE events SET data = json_set(data, '$.text', 'forged') WHERE seq = 20 AND session_id = (SELECT max(session_id) FROM events WHERE seq = 1000)`,
    );
    const found = await runAudit(stack);
    expect(found.report.reports.flatMap(({ findings }) => findings.map(({ tier, kind, place }) => [tier, kind, place]))).toEqual([
      ['archive', 'different', '20'],
    ]);
    expect(await runAudit(stack, '--repair')).toMatchObject({ code: 0, report: { mended: 1 } });
  });
});
