import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { jetstreamManager, jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENTS_STREAM, eventSubject } from '../../shared/contract/subjects.ts';
import { runAudit, type Audited } from '../support/audit.ts';
import { sessionPath, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** An audit of a whole system in which rows were removed, changed and added behind its back. */

const T0 = '2026-01-01T00:00:00.000Z';

let stack: Stack;
let alice: User;
let bob: User;
let operator: User;

const audit = async (...args: string[]): Promise<Audited> => await runAudit(stack, ...args);

function findings({ report }: Audited): string[] {
  return report.reports
    .flatMap((session) =>
      session.findings.map(({ tier, kind, place, detail }) => `${session.sessionId}: ${kind} ${tier} ${named(place, detail)}`),
    )
    .toSorted();
}

/** An event by its seq, for its id is another in every run. */
function named(place: string, detail: string): string {
  return place.startsWith('event ') ? `event of ${/seq \d+/.exec(detail)?.[0]}` : place;
}

/** Behind the system's back, as a bad disk or a hasty hand would. */
function inStore(sql: string, ...parameters: (string | number)[]): void {
  inFile('history.db', sql, ...parameters);
}

function inFile(file: string, sql: string, ...parameters: (string | number)[]): void {
  const database = new DatabaseSync(join(stack.dataDir, file), { timeout: 5_000 });
  try {
    const { changes } = database.prepare(sql).run(...parameters);
    if (changes === 0) throw new Error(`nothing was changed by ${sql}`);
  } finally {
    database.close();
  }
}

async function withNats<T>(work: (connection: NatsConnection) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: stack.nats });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Messages with edits, reactions and a deletion, traces with a purge, members who come and go. */
async function fill(sessionId: string): Promise<void> {
  await alice.create({ id: sessionId, title: 'Audited', members: [{ userId: 'bob', role: 'member' }] });
  const path = sessionPath(sessionId);
  for (const id of ['m1', 'm2', 'm3']) await alice.send(sessionId, `secret of ${id}`, { id, mentions: ['bob'] });
  await alice.edit(sessionId, 'm2', 'edited');
  await bob.command('PUT', `${path}/messages/m1/reactions/${encodeURIComponent('👍')}`, {});
  await alice.edit(sessionId, 'm3', 'edited, then deleted');
  await alice.command('DELETE', `${path}/messages/m3`, {});
  for (const id of ['t1', 't2']) {
    await bob.command('POST', `${path}/traces`, { id, name: 'plan' });
    await bob.command('POST', `${path}/traces/${id}/spans`, { spanId: 'a', name: 'step', startedAt: T0, input: { secret: id } });
    await bob.command('POST', `${path}/traces/${id}/finish`, { status: 'completed' });
  }
  await alice.command('DELETE', `${path}/traces/t2`, {});
  await alice.command('PUT', `${path}/members/carol`, { role: 'viewer' });
  const last = await alice.command('DELETE', `${path}/members/carol`, {});
  await alice.persisted(sessionId, last.commandId);
}

requireOrSkip('nats-server', natsServerMissing())('npm run audit', () => {
  beforeAll(async () => {
    stack = await startStack();
    alice = new User(stack.url, await stack.token('alice'));
    bob = new User(stack.url, await stack.token('bob', { kind: 'agent' }));
    operator = new User(stack.url, await stack.token('root', { scope: 'admin' }));
    await fill('whole');
    await fill('harmed');
    await fill('gone');
    await alice.command('DELETE', sessionPath('gone'), {});
  });
  afterAll(async () => await stack?.stop());

  test('is clean while all is as it was accepted: erased messages, a purged trace, a deleted session, a dead letter', async () => {
    await withNats(async (connection) => {
      await jetstream(connection).publish(eventSubject('default', 'message.created', 'whole'), 'no event at all');
    });
    await until('the dead letter is there', async () =>
      withNats(async (connection) => {
        const { state } = await (await jetstreamManager(connection)).streams.info('MILLRACE_DEAD_LETTERS');
        return state.messages >= 2;
      }),
    );
    const audited = await until('clean', async () => {
      const now = await audit();
      return now.report.pending === 0 ? now : undefined;
    });
    expect(audited.report.reports).toEqual([]);
    expect((await operator.get('/v1/admin/audit/sessions/gone')).body).toMatchObject({
      sessionId: 'gone',
      isComplete: true,
      found: { missing: 0, different: 0, extra: 0, lost: 0 },
      findings: [],
    });
    expect((await operator.http.insist('GET', '/v1/admin/audit/sessions/never')).status).toBe(404);
    expect(audited).toMatchObject({ code: 0, report: { sessions: 3, clean: 3, failed: 0, unverifiable: 0 } });
  });

  test('finds nothing in sessions that are written to, edited and erased meanwhile', async () => {
    await alice.create({ id: 'busy', title: 'Busy', members: [{ userId: 'bob', role: 'member' }] });
    const path = sessionPath('busy');
    const load = { on: true, sent: 0 };
    const lane = async (user: User, name: string): Promise<void> => {
      for (let at = 0; load.on; at += 1) {
        const id = `${name}${at}`;
        await user.send('busy', `text of ${id}`, { id, mentions: ['bob'] });
        await user.edit('busy', id, 'edited');
        if (at % 2 === 0) await user.deleteMessage('busy', id);
        else await user.command('PUT', `${path}/messages/${id}/reactions/${encodeURIComponent('🎉')}`, {});
        load.sent += 3;
      }
    };
    const lanes = Promise.all([lane(alice, 'a'), lane(alice, 'c'), lane(bob, 'b')]);
    const audits: Audited[] = [];
    for (let round = 0; round < 3; round += 1) audits.push(await audit());
    load.on = false;
    await lanes;
    expect(audits.map(findings)).toEqual([[], [], []]);
    expect(audits.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(load.sent).toBeGreaterThan(100);
    const events = audits.map(({ report }) => report.events);
    expect(events.at(-1)).toBeGreaterThan(events[0] ?? 0);
    const settled = await until('all has come', async () => {
      const { report } = await audit('--session', 'busy');
      return report.pending + report.behind === 0 && report;
    });
    expect(settled).toMatchObject({ clean: 1, events: load.sent + 1 });
  });

  test('names what was removed, changed and added in archive, rows and stream; repairs it; and is clean once a person removed what nobody wrote', async () => {
    const where = `session_id = 'harmed'`;
    // removed
    inStore(`DELETE FROM events WHERE ${where} AND seq = 2`);
    inStore(`DELETE FROM messages WHERE ${where} AND seq = 2`);
    inStore(`DELETE FROM members WHERE ${where} AND user_id = 'bob'`);
    await withNats(async (connection) => {
      const manager = await jetstreamManager(connection);
      const found = await manager.streams.getMessage(EVENTS_STREAM, {
        last_by_subj: eventSubject('default', 'reaction.added', 'harmed'),
      });
      await manager.streams.deleteMessage(EVENTS_STREAM, found?.seq ?? 0);
    });
    inFile('analytics.db', `DELETE FROM events WHERE ${where} AND seq = 3`);
    // changed
    inStore(`UPDATE events SET data = json_set(data, '$.text', 'forged') WHERE ${where} AND seq = 3`);
    inStore(`UPDATE messages SET text = 'zz forged' WHERE ${where} AND seq = 3`);
    inStore(`UPDATE messages SET text = NULL WHERE ${where} AND seq = 4`);
    inStore(`UPDATE reactions SET active = 0 WHERE ${where}`);
    inStore(`UPDATE events SET data = '{"id":"m3","text":"secret"}' WHERE ${where} AND seq = 4`);
    inStore(`UPDATE sessions SET title = 'Forged' WHERE ${where}`);
    // added
    inStore(
      `INSERT INTO messages (tenant, session_id, seq, id, text, created_at) VALUES ('default', 'harmed', 9, 'x', 'forged', ?)`,
      T0,
    );
    inStore(
      `INSERT INTO events (tenant, session_id, seq, envelope, data, published_at, persisted_at)
       SELECT tenant, session_id, 99, envelope, data, published_at, persisted_at FROM events WHERE ${where} AND seq = 1`,
    );

    const before = await audit('--session', 'harmed');
    expect(before.report.reports.map(({ failure }) => failure)).toEqual([undefined]);
    const added = ['harmed: extra archive 99', 'harmed: extra history messages 9'];
    const harmed = [
      'harmed: different archive 3',
      'harmed: different archive 4',
      'harmed: different history messages 3',
      'harmed: different history messages 4',
      'harmed: different history reactions 2 👍 bob',
      'harmed: different history sessions',
      'harmed: missing analytics event of seq 3',
      'harmed: missing archive 2',
      'harmed: missing history members bob',
      'harmed: missing history messages 2',
      'harmed: missing stream 6',
    ];
    expect(findings(before)).toEqual([...harmed, ...added].toSorted());
    expect(before).toMatchObject({
      code: 1,
      report: { sessions: 1, clean: 0, mended: 0, notCompared: [], found: { missing: 5, different: 6, extra: 2, lost: 0 } },
    });

    expect((await operator.get('/v1/admin/audit/sessions/harmed')).body).toMatchObject({
      isComplete: true,
      found: before.report.found,
      findings: before.report.reports[0]?.findings,
    });

    const repaired = await audit('--session', 'harmed', '--repair');
    expect(findings(repaired)).toEqual(added);
    expect(repaired).toMatchObject({ code: 1, report: { mended: harmed.length } });
    expect((await alice.get(`${sessionPath('harmed')}/messages/m2`)).body).toMatchObject({ text: 'edited' });

    inStore(`DELETE FROM messages WHERE ${where} AND seq = 9`);
    inStore(`DELETE FROM events WHERE ${where} AND seq = 99`);
    expect((await audit()).report.reports).toEqual([]);
  });

  test('takes from the tail what stream and archive have lost', async () => {
    await withNats(async (connection) => {
      const manager = await jetstreamManager(connection);
      await manager.streams.purge(EVENTS_STREAM, { filter: eventSubject('default', '*.*', 'whole') });
    });
    inStore(`DELETE FROM events WHERE session_id = 'whole' AND seq = 2`);
    const mended = await audit('--session', 'whole', '--repair');
    expect(mended).toMatchObject({ code: 0, report: { clean: 1 } });
    expect(mended.report.mended).toBeGreaterThan(1);
  });

  test('says when it cannot look', async () => {
    await expect(audit('--session', 'no/id')).rejects.toThrow('code 2');
    const mistyped = await audit('--session', 'harmd');
    expect(mistyped).toMatchObject({
      code: 2,
      report: { clean: 0, reports: [{ failure: 'nobody knows a session of this id' }] },
    });
    await stack.stop('edge');
    const audited = await audit('--session', 'harmed');
    expect(audited).toMatchObject({ code: 2, report: { failed: 1, reports: [{ sessionId: 'harmed' }] } });
  });
});
