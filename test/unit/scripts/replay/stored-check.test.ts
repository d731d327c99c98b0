import { describe, expect, it } from 'vitest';
import { reportJson, reportLines, type SessionReport } from '../../../../scripts/replay/report.ts';
import {
  isStoredClean,
  StoredCheck,
  type StoredEvidence,
  type StoredRow,
  type StoredVerdict,
} from '../../../../scripts/replay/stored-check.ts';
import { EventLog } from '../../../../scripts/replay/evidence.ts';

const TIME = '2026-01-01T00:00:00.000Z';
const MESSAGES = 1_100;
const MEMBERS = [
  { userId: 'ada', role: 'owner' },
  { userId: 'bob', role: 'member' },
];
const SESSION = { title: 'Talk', description: '', visibility: 'private', metadata: { b: 1, a: 2 } };

function eventAt(seq: number) {
  const envelope = {
    id: `e${seq}`,
    seq,
    clock: String(10_000 + seq),
    actor: 'ada',
    causationid: `c${seq}`,
    time: TIME,
    type: seq === 1 ? 'session.created' : seq === MESSAGES + 2 ? 'member.added' : 'message.created',
    subject: `m${seq}`,
  };
  const message = { id: `m${seq}`, ordinal: seq - 1, text: `text ${seq}`, status: 'completed', role: 'user' };
  const data =
    seq === 1
      ? { ...SESSION, members: MEMBERS }
      : seq === MESSAGES + 2
        ? { userId: 'eve', role: 'member' }
        : { ...message, mentions: [], metadata: {}, createdAt: TIME };
  return { ...envelope, data: data as Record<string, unknown> };
}

/** A session of 1,100 messages as everyone saw it, and the rows as the history writes them. */
function cleanRun(): { evidence: StoredEvidence; rows: StoredRow[] } {
  const events = Array.from({ length: MESSAGES + 2 }, (_, at) => eventAt(at + 1));
  const log = new EventLog();
  const messages = events.slice(1, -1).map(({ seq, actor, data }) => {
    return {
      ...data,
      seq,
      sessionId: 's',
      author: { id: actor },
      id: `m${seq}`,
      text: `text ${seq}`,
      status: 'completed',
      createdAt: TIME,
    };
  });
  const members = [...MEMBERS, { userId: 'eve', role: 'member' }];
  const rows: StoredRow[] = [
    ...events.map((event): StoredRow => {
      const { data, ...envelope } = event;
      // an order of members of its own
      const cells = {
        envelope: JSON.stringify(envelope),
        data: JSON.stringify(Object.fromEntries(Object.entries(data).toReversed())),
      };
      return {
        table: 'events',
        bucket: Math.floor(event.seq / 1_000),
        rowKey: event.seq,
        cells: { ...cells, publishedAt: 1, persistedAt: 2 },
      };
    }),
    ...events.slice(1, -1).map(({ seq, clock, actor, data }): StoredRow => {
      const cells = { ...data, author: actor, mentions: '[]', metadata: '{}', version: clock };
      return { table: 'messages', bucket: 0, rowKey: seq, cells };
    }),
    ...members.map(({ userId, role }): StoredRow => {
      const version = userId === 'eve' ? String(10_000 + MESSAGES + 2) : '10001';
      return { table: 'members', rowKey: userId, cells: { role, active: true, joinedAt: TIME, version } };
    }),
    {
      table: 'sessions',
      cells: { ...SESSION, metadata: '{"a":2,"b":1}', status: 'active', createdAt: TIME, updatedAt: TIME, version: '10001' },
    },
  ];
  const session = { ...SESSION, id: 's', head: MESSAGES + 2, epoch: 'e', memberCount: 3, status: 'active', createdAt: TIME };
  return {
    rows,
    evidence: {
      sessionId: 's',
      seen: events.map((event) => log.see(event)),
      events,
      messages,
      members: members.map(({ userId, role }) => ({ user: { id: userId }, role, joinedAt: TIME })),
      session,
    },
  };
}

function judged(evidence: StoredEvidence, rows: readonly StoredRow[]): StoredVerdict {
  const check = new StoredCheck(evidence);
  for (const row of rows) check.take(row);
  return check.finish();
}

function withCells(rows: readonly StoredRow[], table: string, rowKey: unknown, cells: object): StoredRow[] {
  return rows.map((row) => (row.table === table && row.rowKey === rowKey ? { ...row, cells: { ...row.cells, ...cells } } : row));
}

type Plant = (rows: StoredRow[], evidence: StoredEvidence) => StoredRow[];

/** Each plants one difference into the store, and names how it is counted and said. */
const planted: [string, object, RegExp, Plant][] = [
  ['an event that is lost', { missing: 1 }, /^3 of events is not in Cassandra$/, (rows) => rows.toSpliced(2, 1)],
  [
    'a message that is lost',
    { missing: 1 },
    /^7 of messages is not/,
    (rows) => rows.filter((row) => row.table !== 'messages' || row.rowKey !== 7),
  ],
  ['a member that is lost', { missing: 1 }, /^eve of members is not/, (rows) => rows.filter((row) => row.rowKey !== 'eve')],
  ['the session that is lost', { missing: 1 }, /^the row of sessions is not/, (rows) => rows.slice(0, -1)],
  [
    'an event beyond the head',
    { extra: 1 },
    /^2001 of events is in Cassandra, and nobody was told of it$/,
    (rows) => [...rows, { table: 'events', bucket: 2, rowKey: 2_001, cells: {} }],
  ],
  [
    'a member nobody added',
    { extra: 1 },
    /^mallory of members is in/,
    (rows) => [...rows, { table: 'members', rowKey: 'mallory', cells: { active: false } }],
  ],
  ['a row twice', { extra: 1 }, /^5 of events is in/, (rows) => [...rows, ...rows.slice(4, 5)]],
  ['another text', { different: 1 }, /text is "x" instead of "text 9"/, (rows) => withCells(rows, 'messages', 9, { text: 'x' })],
  ['another text in the archive', { different: 1 }, /event is/, (rows) => withCells(rows, 'events', 9, { data: '{"id":"m9"}' })],
  ['an event that is half there', { different: 1 }, /event is/, (rows) => withCells(rows, 'events', 9, { envelope: undefined })],
  ['data that are no JSON', { different: 1 }, /notJson/, (rows) => withCells(rows, 'events', 9, { data: '{' })],
  [
    'no time of persisting',
    { different: 1 },
    /publishedAt is 1 instead of absent/,
    (rows) => withCells(rows, 'events', 9, { persistedAt: undefined }),
  ],
  [
    'a cell that should be unset',
    { different: 1 },
    /editedAt is ".*" instead of absent/,
    (rows) => withCells(rows, 'messages', 9, { editedAt: TIME }),
  ],
  [
    'another version',
    { different: 1 },
    /version is "1" instead of "10009"/,
    (rows) => withCells(rows, 'messages', 9, { version: '1' }),
  ],
  [
    'a member who left',
    { different: 1 },
    /^bob of members: active is false instead of true/,
    (rows) => withCells(rows, 'members', 'bob', { active: false }),
  ],
  [
    'the wrong bucket',
    { different: 1 },
    /^1001 of events lies in bucket 0$/,
    (rows) => rows.map((row) => (row.rowKey === 1_001 && row.table === 'events' ? { ...row, bucket: 0 } : row)),
  ],
  [
    'what HTTP says otherwise',
    { different: 1 },
    /^9 of messages: createdAt is ".*" instead of "2027/,
    (rows, evidence) => {
      const [, , , , , , , ninth] = evidence.messages;
      if (ninth !== undefined) ninth.createdAt = '2027-01-01T00:00:00.000Z';
      return rows;
    },
  ],
];

describe('what Cassandra holds', () => {
  it('is clean when every row is as sockets and HTTP said, in any order', () => {
    const { evidence, rows } = cleanRun();
    const verdict = judged(evidence, rows.toReversed());
    expect(verdict.differences).toEqual([]);
    expect(isStoredClean(verdict)).toBe(true);
    expect(verdict.expected).toEqual({ events: 1_102, messages: 1_100, members: 3, sessions: 1 });
  });

  it.each(planted)('%s is counted and named', (_name, counts, line, plant) => {
    const { evidence, rows } = cleanRun();
    const verdict = judged(evidence, plant(rows, evidence));
    expect(verdict.counts).toEqual({ missing: 0, extra: 0, different: 0, ...counts });
    expect(verdict.differences).toEqual([expect.stringMatching(line)]);
  });

  it('is judged by the sockets where HTTP has it from the store', () => {
    const { evidence, rows } = cleanRun();
    const wrong = { ...eventAt(3), data: { ...eventAt(3).data, text: 'from the store' } };
    const verdict = judged(
      { ...evidence, events: evidence.events.toSpliced(2, 1, wrong) },
      withCells(rows, 'events', 3, { data: JSON.stringify(wrong.data) }),
    );
    expect(verdict.counts).toEqual({ missing: 0, extra: 0, different: 1 });
  });

  it('is said in one line when there is nothing of the session at all', () => {
    const verdict = judged(cleanRun().evidence, []);
    expect(verdict.counts.missing).toBe(2_206);
    expect(verdict.differences).toEqual([expect.stringMatching(/^none of the 2206 rows .* keep its history in this one\?$/)]);
  });

  it('has a column and totals in the report', () => {
    const { evidence, rows } = cleanRun();
    const stored = judged(evidence, rows.slice(2));
    const counts = { complete: 0, ordered: 0, persisted: 0, same: 0 };
    const numbers = {
      sent: 1,
      accepted: 1,
      head: 2,
      sockets: 1,
      reconnects: 0,
      refills: 0,
      retries: 0,
      deliveries: 1,
      answerMs: [1],
    };
    const session: SessionReport = { verdict: { sessionId: 's', counts, differences: [] }, ...numbers, stored };
    const times = { playMs: 1, persistMs: 1, readBackMs: 1 };
    const lines = reportLines([session], times);
    expect(lines[0]).toMatch(/same\s+cassandra$/);
    expect(lines[1]).toMatch(/yes\s+NO \(2 missing\)$/);
    expect(lines).toContain('  cassandra: 2 of events is not in Cassandra');
    expect(reportJson([session], times)).toMatchObject({
      ok: false,
      totals: { clean: 0, differences: 2, stored: { missing: 2 } },
    });
    const { stored: _none, ...uncompared } = session;
    expect(reportLines([uncompared], times)[0]).toMatch(/same$/);
    expect(reportJson([uncompared], times)).toMatchObject({ ok: true });
  });
});
