import { runInDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { alice, bob, eventually, TestSession } from './support.ts';

/**
 * Rows written are what a message costs most of (docs/cost.md), so their number is pinned: one more is a decision, and is
 * written down there. As SQLite counts them, an index is a row of its own.
 */

interface Written {
  /** by table, without what was not written to */
  rows: Record<string, number>;
  alarms: number;
}

const TABLE = /\b(?:into|update|from)\s+(\w+)/i;
const WRITES = /^\s*(?:insert|update|delete|replace)\b/i;

/** Counts what the session's own object writes from here on. */
async function counting(session: TestSession): Promise<Written> {
  const written: Written = { rows: {}, alarms: 0 };
  await runInDurableObject(session.stub(), (_instance, { storage }) => {
    const { sql } = storage;
    const exec = sql.exec.bind(sql);
    const setAlarm = storage.setAlarm.bind(storage);
    sql.exec = ((query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...bindings);
      const table = TABLE.exec(query)?.[1] ?? 'unknown';
      if (WRITES.test(query) && cursor.rowsWritten > 0) written.rows[table] = (written.rows[table] ?? 0) + cursor.rowsWritten;
      return cursor;
    }) as SqlStorage['exec'];
    storage.setAlarm = async (at) => {
      written.alarms += 1;
      await setAlarm(at);
    };
  });
  return written;
}

async function quiet(): Promise<TestSession> {
  const session = new TestSession();
  await session.create([{ userId: 'bob', role: 'member' }]);
  await published(session, 1);
  await session.receipt([[1, 1]]);
  return session;
}

const published = (session: TestSession, events: number) =>
  eventually('what was committed is marked as sent', async () => {
    const sent = await runInDurableObject(session.stub(), (_instance, { storage: { sql } }) =>
      sql.exec<{ n: number | null }>(`SELECT max(to_seq) AS n FROM publications`).one(),
    );
    return sent.n === events;
  });

test('a message.send writes five rows of its own, and one more with a key', async () => {
  const session = await quiet();
  const written = await counting(session);
  await session.send(alice, 'what does it cost?');
  await published(session, 2);
  expect(written.rows).toEqual({ events: 1, messages: 2, commands: 1, publications: 1 });
  await session.must(bob, { name: 'message.send', data: { text: 'one row more' } }, 'a-key');
  await published(session, 3);
  expect(written.rows).toEqual({ events: 2, messages: 4, commands: 2, publications: 2, idempotency_keys: 1 });
});

test('a receipt writes one row, however many events it is for, and a later one that says the same none', async () => {
  const session = await quiet();
  for (const text of ['one', 'two', 'three']) await session.send(alice, text);
  await published(session, 4);
  const written = await counting(session);
  await session.receipt([[2, 4]]);
  expect(written.rows).toEqual({ receipts: 1 });
  await session.receipt([[2, 4]]);
  expect(written.rows).toEqual({ receipts: 1 });
});

test('chunks write one row for all that came while one waited to be stored, and two for the burst that they are', async () => {
  const session = await quiet();
  await session.must(bob, { name: 'stream.start', data: { messageId: 'm' } });
  const written = await counting(session);
  const chunks = Array.from({ length: 40 }, (_, index) => ({ messageId: 'm', index, text: `${index} ` }));
  await Promise.all(chunks.map((data) => session.must(bob, { name: 'stream.append', data })));
  const segments = await eventually('all chunks are stored and the stream is closed', () =>
    runInDurableObject(session.stub(), (_instance, { storage: { sql } }) => {
      const { open, stored, rows } = sql
        .exec<{ open: number; stored: number; rows: number }>(
          `SELECT (SELECT open FROM streams) AS open, count(*) AS rows, sum(json_array_length(chunks)) AS stored FROM stream_chunks`,
        )
        .one();
      return open === 0 && stored === chunks.length && rows;
    }),
  );
  // a busy machine may take so long over the forty that they are more than one segment: none is written twice
  expect(written.rows).toMatchObject({ stream_chunks: segments });
  expect(Object.keys(written.rows).toSorted()).toEqual(['stream_chunks', 'streams']);
  expect(written.rows['streams']).toBeLessThanOrEqual(2 * segments);
});
