import type { InboundSignal } from '../../shared/contract/backend.ts';
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { signalsSubject } from '../../shared/contract/subjects.ts';
import type { Actor, WholeEventOf } from '../../shared/core/types.ts';
import type { MessagesPage, Result } from '../../worker/session/api.ts';
import { StreamReader } from '../support/stream-reader.ts';
import { alice, bob, eventually, TestSession, type TestSocket } from './support.ts';

const ann: Actor = { id: 'ann', name: 'Ann', kind: 'agent' };
const M = 'm7';
const words = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `${from + at} `);

async function started(more: { idleTimeoutMs?: number } = {}): Promise<TestSession> {
  const session = new TestSession();
  await session.create([
    { userId: 'bob', role: 'member' },
    { userId: 'ann', role: 'member' },
  ]);
  await session.send(bob, 'What is the tide?', { id: 'm1' });
  const data = { messageId: M, role: 'assistant' as const, parentId: 'm1', ...more };
  expect((await session.must(ann, { name: 'stream.start', data })).accepted).toMatchObject({
    eventId: null,
    entityId: M,
    seq: 2,
  });
  return session;
}

const append = (session: TestSession, index: number, text: string, key?: string) =>
  session.execute(ann, { name: 'stream.append', data: { messageId: M, index, text } }, key);

async function appendAll(session: TestSession, chunks: readonly string[], from = 0): Promise<void> {
  const answers = await Promise.all(chunks.map((text, at) => append(session, from + at, text)));
  expect(answers.filter((answer) => !answer.ok)).toEqual([]);
}

const finish = (session: TestSession, more: { text?: string; status?: 'completed' | 'failed' } = {}) =>
  session.execute(ann, { name: 'stream.finish', data: { messageId: M, status: 'completed', ...more } });

const reading = (socket: TestSocket) => StreamReader.of(socket.frames);
const chunksSeen = (socket: TestSocket, count: number) =>
  socket.until(`${count} chunks`, () => reading(socket).next(M) === count);

async function message(socket: TestSocket): Promise<WholeEventOf<'message.created'>> {
  return socket.until('the message', () =>
    socket.events().find((event): event is WholeEventOf<'message.created'> => event.subject === M),
  );
}

const stored = (session: TestSession) =>
  eventually('the chunks are stored and the stream is closed', () =>
    runInDurableObject(session.stub(), (_instance, { storage: { sql } }) => {
      const row = sql.exec<{ open: number; n: number }>(`SELECT open, (SELECT count(*) FROM stream_chunks) AS n FROM streams`);
      return row.toArray().every(({ open, n }) => open === 0 && n > 0);
    }),
  );

test('all see the text as it comes, and the message behind it says the same', async () => {
  const session = await started();
  const sockets = [await session.connect(alice), await session.connect(bob), await session.connect(ann)];
  const chunks = words(40);
  await appendAll(session, chunks);
  expect(await finish(session)).toMatchObject({ ok: true, value: { accepted: { seq: 3, entityId: M } } });
  for (const socket of sockets) {
    const event = await message(socket);
    expect(event.data).toMatchObject({ text: chunks.join(''), status: 'completed', role: 'assistant', parentId: 'm1' });
    expect([event.actor, event.actorkind]).toEqual(['ann', 'agent']);
    expect(reading(socket).text(M)).toBe(event.data.text);
    const lastChunk = socket.frames.findLastIndex((frame) => frame.type === 'signal' && frame.name === 'stream');
    expect(lastChunk).toBeLessThan(socket.frames.findIndex((frame) => frame.type === 'events'));
  }
  const first = sockets[0]?.frames.find((frame) => frame.type === 'signal' && frame.name === 'stream');
  expect(first).toMatchObject({
    user: { id: 'ann', name: 'Ann', kind: 'agent' },
    data: { index: 0, role: 'assistant', parentId: 'm1' },
  });
  const page = (await session.stub().messages(session.identity, bob, { limit: 1 })) as Result<MessagesPage>;
  expect(page.ok && page.value.items[0]?.body?.text).toBe(chunks.join(''));
});

test('who joins in the middle gets the text so far in one, behind the events that it missed, and then the rest', async () => {
  const session = await started();
  await appendAll(session, words(20));
  const socket = await session.connect(bob, '?after=0');
  await chunksSeen(socket, 20);
  expect(socket.frames.map((frame) => frame.type)).toEqual(['welcome', 'events', 'signal']);
  expect(socket.frames[2]).toMatchObject({ data: { messageId: M, index: 0, lastIndex: 19, text: words(20).join('') } });
  await append(session, 20, 'more');
  await chunksSeen(socket, 21);
  expect(socket.frames.at(-1)).toMatchObject({ data: { index: 20, lastIndex: 20, text: 'more' } });
});

test('a session that slept goes on: the next chunk brings the whole text, which replaces what was shown', async () => {
  const session = await started();
  const socket = await session.connect(bob);
  await appendAll(session, words(10));
  await chunksSeen(socket, 10);
  await stored(session);
  await evictDurableObject(session.stub());
  await append(session, 10, 'awake');
  await chunksSeen(socket, 11);
  expect(reading(socket)).toMatchObject({ restarts: 1 });
  expect(await finish(session)).toMatchObject({ ok: true });
  expect(reading(socket).text(M)).toBe((await message(socket)).data.text);
});

test('P3: chunks that a crash took are asked for again, by append and by finish, and all see one text', async () => {
  const session = await started();
  const socket = await session.connect(bob);
  await appendAll(session, words(10));
  await stored(session);
  await appendAll(session, ['lost ', 'too '], 10);
  await chunksSeen(socket, 12);
  await abortAllDurableObjects();
  const back = await session.connect(bob, '?after=2');
  const both = () => StreamReader.of([...socket.frames, ...back.frames]);
  await back.until('what is stored', () => both().next(M) === 10);
  expect(await finish(session)).toMatchObject({ ok: false, refusal: { code: 'stream_gap', expectedIndex: 10 } });
  expect(await append(session, 12, 'next')).toMatchObject({ ok: false, refusal: { code: 'stream_gap', expectedIndex: 10 } });
  await appendAll(session, ['other ', 'words'], 10);
  expect(await finish(session)).toMatchObject({ ok: true });
  const { data } = await message(back);
  expect(data.text).toBe(`${words(10).join('')}other words`);
  expect(both().text(M)).toBe(data.text);
});

test('P9: at most four writes a second, however many chunks come, and none of the whole text again', async () => {
  const session = await started();
  const counted = `CREATE TABLE counted (at INTEGER)`;
  await runInDurableObject(session.stub(), (_instance, { storage: { sql } }) => {
    sql.exec(counted);
    for (const [name, event, table] of [
      ['a', 'INSERT', 'stream_chunks'],
      ['b', 'UPDATE', 'streams'],
      ['c', 'UPDATE', 'stream_chunks'],
    ])
      sql.exec(
        `CREATE TRIGGER ${name} AFTER ${event} ON ${table} BEGIN INSERT INTO counted VALUES (unixepoch('subsec') * 1000); END`,
      );
  });
  const beganMs = Date.now();
  let sent = 0;
  while (Date.now() - beganMs < 3_000) {
    await appendAll(session, words(10, sent), sent);
    sent += 10;
  }
  await stored(session);
  const { writes, bytes, text } = await runInDurableObject(session.stub(), (_instance, { storage: { sql } }) => ({
    writes: sql
      .exec<{ at: number }>(`SELECT at FROM counted ORDER BY at`)
      .toArray()
      .map(({ at }) => at),
    bytes: sql.exec<{ n: number }>(`SELECT sum(length(chunks)) AS n FROM stream_chunks`).one().n,
    text: JSON.stringify(words(sent)).length,
  }));
  expect(sent).toBeGreaterThan(100);
  expect(writes.length).toBeGreaterThan(2);
  for (const at of writes) expect(writes.filter((each) => each >= at && each < at + 1_000).length).toBeLessThanOrEqual(4);
  expect(bytes).toBeLessThan(text * 1.1);
});

test('a chunk with a key: the same answer again, also after it was stored; another chunk under it is 422', async () => {
  const session = await started();
  const first = await append(session, 0, 'one', 'k1');
  expect(await append(session, 0, 'one', 'k1')).toMatchObject({ ok: true, value: { replayed: true } });
  expect(await append(session, 1, 'two', 'k1')).toMatchObject({ ok: false, refusal: { code: 'idempotency_key_reused' } });
  expect((await append(session, 0, 'one')) as object).toMatchObject({ value: { accepted: { unchanged: true, eventId: null } } });
  await stored(session);
  await evictDurableObject(session.stub());
  const again = await append(session, 0, 'one', 'k1');
  expect(again).toMatchObject({ ok: true, value: { replayed: true } });
  expect(again.ok && again.value.accepted).toEqual(first.ok && first.value.accepted);
});

test('an author who vanished: the alarm alone ends the stream as failed, with the text so far, as the author', async () => {
  const session = await started({ idleTimeoutMs: 10_000 });
  const socket = await session.connect(bob);
  await appendAll(session, ['so ', 'far']);
  await stored(session);
  await evictDurableObject(session.stub());
  const event = await socket.until('the message', () => socket.events().find((each) => each.subject === M), 25_000);
  expect(event).toMatchObject({ actor: 'ann', data: { status: 'failed', text: 'so far' } });
  expect(await append(session, 2, '!')).toMatchObject({ ok: false, refusal: { code: 'stream_ended' } });
});

test('Stop: the message is cancelled, sockets and backends are told, and the agent can append no more', async () => {
  const session = await started();
  const [his, agents] = [await session.connect(bob), await session.connect(ann)];
  await appendAll(session, ['half ', 'of it']);
  const stop = { name: 'stream.cancel' as const, data: { messageId: M, reason: 'enough' } };
  expect(await session.execute({ id: 'erin', kind: 'user' }, stop)).toMatchObject({ ok: false });
  await session.must(bob, stop);
  for (const socket of [his, agents]) {
    const cancel = await socket.until('the signal', () =>
      socket.frames.find((frame) => frame.type === 'signal' && frame.name === 'cancel'),
    );
    expect(cancel).toMatchObject({ user: { id: 'bob' }, data: { messageId: M, reason: 'enough' } });
    expect(await message(socket)).toMatchObject({ actor: 'ann', data: { status: 'cancelled', text: 'half of it' } });
  }
  const subject = signalsSubject(session.identity.tenant, session.identity.sessionId);
  const told = await eventually('NATS is told', async () => (await session.uplink().signals(subject))[0]);
  expect(JSON.parse(told)).toMatchObject({ name: 'cancel', user: { id: 'bob' }, data: { messageId: M, reason: 'enough' } });
  expect(await append(session, 2, '!')).toMatchObject({ ok: false, refusal: { code: 'stream_ended' } });
  expect(await session.execute(bob, stop)).toMatchObject({ ok: false, refusal: { code: 'stream_ended' } });
});

test('P9: who lags behind the events gets them first, and then the whole stream in one longer chunk', async () => {
  const session = await started();
  const socket = await session.connect(bob);
  const big = 'x'.repeat(49_000);
  for (let sent = 0; sent < 190; sent += 1) await session.send(alice, big);
  await socket.until('a full window', () => socket.seqs().length >= 160);
  await appendAll(session, words(50));
  const watcher = await session.connect(alice);
  await chunksSeen(watcher, 50);
  expect(reading(socket).frames).toBe(0);
  socket.send({ type: 'received', seq: socket.seqs().at(-1) });
  await chunksSeen(socket, 50);
  expect(reading(socket).frames).toBe(1);
  expect(socket.seqs().length).toBe(190);
});

test('deleting the session ends its streams and keeps nothing of them', async () => {
  const session = await started();
  await appendAll(session, ['secret']);
  await stored(session);
  await session.must(alice, { name: 'session.delete', data: {} });
  expect(await append(session, 1, '!')).toMatchObject({ ok: false, refusal: { code: 'session_not_found' } });
  const rows = await runInDurableObject(session.stub(), (_instance, { storage: { sql } }) =>
    ['streams', 'stream_chunks', 'ended_streams'].flatMap((table) => sql.exec(`SELECT * FROM ${table}`).toArray()),
  );
  expect(rows).toEqual([]);
});

const chunkSignal = (index: number, text: string, actor: Actor = ann): InboundSignal => ({
  name: 'stream',
  actor,
  data: { messageId: M, index, text },
});

test('chunks from NATS, out of order and twice, come out in order; those of others do not count', async () => {
  const session = await started();
  const socket = await session.connect(bob);
  const chunks = words(120);
  const signals = chunks.map((text, index) => chunkSignal(index, text));
  const shuffled = [
    ...signals.slice(1, 64).toReversed(),
    ...signals.slice(0, 1),
    ...signals.slice(64, 120),
    ...signals.slice(0, 9),
  ];
  await session.stub().takeSignals(session.identity, [chunkSignal(0, 'not mine', alice), ...shuffled]);
  await chunksSeen(socket, 120);
  expect(await finish(session)).toMatchObject({ ok: true });
  expect((await message(socket)).data.text).toBe(chunks.join(''));
  expect(reading(socket).text(M)).toBe(chunks.join(''));
});

test('a chunk that NATS lost: nothing behind the hole is shown, and the text of finish decides', async () => {
  const session = await started();
  const socket = await session.connect(bob);
  const chunks = words(200);
  const signals = chunks
    .map((text, index) => chunkSignal(index, text))
    .filter(({ data }) => !('index' in data && data.index === 10));
  await session.stub().takeSignals(session.identity, signals);
  await chunksSeen(socket, 10);
  expect(await finish(session)).toMatchObject({ ok: false, refusal: { code: 'stream_gap', expectedIndex: 10 } });
  expect(await finish(session, { text: chunks.join('') })).toMatchObject({ ok: true });
  expect((await message(socket)).data.text).toBe(chunks.join(''));
  expect(reading(socket).text(M)).toBe(chunks.slice(0, 10).join(''));
});

test('a hole that a command fills lets those go on that waited behind it', async () => {
  const session = await started();
  const socket = await session.connect(bob);
  const chunks = words(30);
  await session.stub().takeSignals(session.identity, chunks.map((text, index) => chunkSignal(index, text)).toSpliced(4, 1));
  await chunksSeen(socket, 4);
  await append(session, 4, chunks[4] ?? '');
  await chunksSeen(socket, 30);
  expect(await finish(session)).toMatchObject({ ok: true });
  expect(reading(socket).text(M)).toBe(chunks.join(''));
});
