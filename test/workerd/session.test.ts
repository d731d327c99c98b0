import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { CommandStatus } from '../../shared/contract/answers.ts';
import type { EventsPage, MessagesPage, Result } from '../../worker/session/api.ts';
import { alice, bob, eventually, TestSession } from './support.ts';

test('P4: a socket goes on across an eviction between two frames', async () => {
  const session = new TestSession();
  await session.create();
  const socket = await session.connect(alice);
  const command = (id: string) => ({ type: 'command', id, command: 'message.send', data: { text: id } });
  socket.send(command('one'));
  await socket.until('the first event', () => socket.seqs().includes(2));
  await evictDurableObject(session.stub());
  socket.send(command('two'));
  await socket.until('the second event', () => socket.seqs().includes(3));
  await socket.until('both acks', () => socket.frames.filter((frame) => frame.type === 'ack').length === 2);
  expect(socket.seqs()).toEqual([2, 3]);
  expect(socket.closed).toBeUndefined();
});

test('the heartbeat is answered', async () => {
  const session = new TestSession();
  await session.create();
  const socket = await session.connect(alice);
  const pong = new Promise<string>((resolve) => socket.onText((text) => text === 'pong' && resolve(text)));
  socket.send('ping');
  expect(await pong).toBe('pong');
});

test('P6: a failed publish is retried by the alarm, in order and once', async () => {
  const session = new TestSession();
  await session.uplink().plan({ failing: 1 });
  await session.create();
  await session.send(alice, 'one');
  await eventually('the planted failure', async () => (await session.published()).calls >= 1);
  await eventually('an alarm that publishes', async () => {
    await runDurableObjectAlarm(session.stub());
    return (await session.published()).ids.length === 2;
  });
  const seen = await session.published();
  expect(seen.payloads.map((payload) => (JSON.parse(payload) as { seq: number }).seq)).toEqual([1, 2]);
  expect(new Set(seen.ids).size).toBe(2);
});

test('P6: what an eviction cut off is published by the object that wakes', async () => {
  const session = new TestSession();
  await session.uplink().plan({ failing: 1_000 });
  await session.create();
  await session.send(alice, 'kept');
  await evictDurableObject(session.stub());
  await session.uplink().plan({ failing: 0 });
  await session.stub().describe(session.identity, alice);
  await eventually('both published', async () => (await session.published()).ids.length === 2);
});

test('P6: a partly acknowledged batch goes on behind the last acknowledged event', async () => {
  const session = new TestSession();
  await session.uplink().plan({ failing: 1 });
  await session.create();
  for (const text of ['a', 'b', 'c', 'd']) await session.send(alice, text);
  await session.uplink().plan({ acksPerCall: 2 });
  await eventually('all published', async () => {
    await runDurableObjectAlarm(session.stub());
    return (await session.published()).ids.length === 5;
  });
  const seqs = (await session.published()).payloads.map((payload) => (JSON.parse(payload) as { seq: number }).seq);
  expect(seqs).toEqual([1, 2, 3, 4, 5]);
});

test('a ticket opens one socket, also when two come at once', async () => {
  const session = new TestSession();
  await session.create();
  const ticket = await session.ticket(alice);
  const protocols = ['millrace.v1', `ticket.${ticket}`];
  const answers = await Promise.all([session.upgrade(protocols), session.upgrade(protocols), session.upgrade(protocols)]);
  expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([101, 401, 401]);
  expect(answers.find((answer) => answer.status === 101)?.headers.get('Sec-WebSocket-Protocol')).toBe('millrace.v1');
});

test('a ticket of another session is refused and not used up', async () => {
  const [mine, other] = [new TestSession(), new TestSession()];
  await mine.create();
  await other.create();
  const ticket = await mine.ticket(alice);
  const protocols = ['millrace.v1', `ticket.${ticket}`];
  expect((await other.upgrade(protocols)).status).toBe(401);
  expect((await mine.upgrade(protocols)).status).toBe(101);
});

test('20 concurrent commands with one key make one event', async () => {
  const session = new TestSession();
  await session.create();
  const results = await Promise.all(
    Array.from({ length: 20 }, () => session.must(alice, { name: 'message.send', data: { text: 'once' } }, 'key-1')),
  );
  expect(new Set(results.map((result) => result.accepted.eventId)).size).toBe(1);
  expect(results.filter((result) => !result.replayed)).toHaveLength(1);
  const page = (await session.stub().events(session.identity, alice, { after: 0, limit: 100 })) as Result<EventsPage>;
  expect(page.ok && page.value.head).toBe(2);
});

test('an edit with the text that the message has changes nothing', async () => {
  const session = new TestSession();
  await session.create();
  await session.must(alice, { name: 'message.send', data: { text: 'same', id: 'm1' } });
  const edit = async (text: string) => await session.must(alice, { name: 'message.edit', data: { messageId: 'm1', text } });
  expect((await edit('same')).accepted).toMatchObject({ unchanged: true, eventId: null, seq: 2, entityId: 'm1' });
  expect((await edit('other')).accepted).toMatchObject({ seq: 3 });
  expect((await edit('other')).accepted).toMatchObject({ unchanged: true, seq: 3 });
  expect((await edit('same')).accepted).toMatchObject({ seq: 4 });
});

test('a key with other data is refused, and changes nothing', async () => {
  const session = new TestSession();
  await session.create();
  await session.must(alice, { name: 'message.send', data: { text: 'once' } }, 'key-1');
  const reused = await session.execute(alice, { name: 'message.send', data: { text: 'other' } }, 'key-1');
  expect(reused).toMatchObject({ ok: false, refusal: { code: 'idempotency_key_reused' } });
  const byBob = await session.execute(bob, { name: 'message.send', data: { text: 'other' } }, 'key-1');
  expect(byBob).toMatchObject({ ok: false, refusal: { code: 'session_not_found' } });
});

test('receipts in any order move the status and never back', async () => {
  const session = new TestSession();
  await session.create();
  const first = await session.send(alice, 'one');
  const second = await session.send(alice, 'two');
  const status = async (commandId: string): Promise<CommandStatus> => {
    const result = (await session.stub().commandStatus(session.identity, alice, commandId)) as Result<CommandStatus>;
    if (!result.ok) throw new Error(result.refusal.code);
    return result.value;
  };
  await eventually('published', async () => (await status(second.accepted.commandId)).status === 'published');
  await session.receipt([[3, 3]]);
  const after = await status(second.accepted.commandId);
  expect(after.status).toBe('persisted');
  expect((await status(first.accepted.commandId)).status).toBe('published');
  await session.receipt([[1, 3]]);
  await session.receipt([[2, 2]]);
  expect((await status(first.accepted.commandId)).status).toBe('persisted');
  expect(await status(second.accepted.commandId)).toEqual(after);
  expect(Date.parse(after.publishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(after.acceptedAt));
  expect(Date.parse(after.persistedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(after.publishedAt ?? ''));
});

test('a dead letter makes the command failed, a receipt after its redrive persisted', async () => {
  const session = new TestSession();
  await session.create();
  const sent = await session.send(alice, 'poison');
  const failure = { seq: 2, code: 'poison', detail: 'planted', consumer: 'history', at: Date.now() };
  await session.receipt([[1, 2]], [failure]);
  const status = async () =>
    (await session.stub().commandStatus(session.identity, alice, sent.accepted.commandId)) as Result<CommandStatus>;
  expect(await status()).toMatchObject({ ok: true, value: { status: 'failed', failure: { consumer: 'history' } } });
  await session.receipt([[2, 2]]);
  expect(await status()).toMatchObject({ ok: true, value: { status: 'persisted' } });
  await session.receipt([[1, 2]], [failure]);
  expect(await status()).toMatchObject({ ok: true, value: { status: 'persisted' } });
});

test('a lost receipt is repaired from the archive', async () => {
  const session = new TestSession();
  await session.create();
  const sent = await session.send(alice, 'one');
  await eventually('published', async () => (await session.published()).ids.length === 2);
  await session.uplink().plan({ archived: [1, 2] });
  await runInDurableObject(session.stub(), (_instance, state) => {
    state.storage.sql.exec(`UPDATE publications SET at = at - 120000`);
  });
  await eventually('the repair', async () => {
    await runDurableObjectAlarm(session.stub());
    const result = (await session
      .stub()
      .commandStatus(session.identity, alice, sent.accepted.commandId)) as Result<CommandStatus>;
    return result.ok && result.value.status === 'persisted';
  });
});

test('the tail keeps what has no receipt, and at least the last thousand', async () => {
  const session = new TestSession();
  await session.create();
  const count = 1_400;
  for (let sent = 0; sent < count; sent += 200) {
    await Promise.all(Array.from({ length: 200 }, (_, each) => session.send(alice, `m${sent + each}`)));
  }
  const floor = async (): Promise<number> =>
    runInDurableObject(session.stub(), (_instance, state) => {
      return state.storage.sql.exec<{ n: number }>(`SELECT min(seq) AS n FROM events`).one().n;
    });
  expect(await floor()).toBe(1);
  await session.receipt([[1, 10]]);
  expect(await floor()).toBe(1);
  await session.receipt([[1, count + 1]]);
  expect(await floor()).toBe(1);
  await runInDurableObject(session.stub(), (_instance, state) => {
    state.storage.sql.exec(`UPDATE receipts SET taken_at = taken_at - 60000`);
  });
  await session.receipt([[1, 1]]);
  expect(await floor()).toBe(count + 1 - 1_000 + 1);
  const page = (await session.stub().events(session.identity, alice, { after: 0, limit: 1_000 })) as Result<EventsPage>;
  expect(page).toMatchObject({ ok: true, value: { archived: { from: 1, to: 401 } } });
});

test('an alarm wakes an evicted object and does its work', async () => {
  const session = new TestSession();
  await session.uplink().plan({ failing: 1 });
  await session.create();
  await eventually('the planted failure', async () => (await session.published()).calls >= 1);
  await evictDurableObject(session.stub());
  // nobody calls the session: only its own alarm can publish
  await eventually('published by the alarm alone', async () => (await session.published()).ids.length === 1, 20_000);
});

test('an author who left a private session still learns what became of a command', async () => {
  const session = new TestSession();
  await session.create([{ userId: 'bob', role: 'member' }]);
  const sent = await session.send(bob, 'mine');
  const hers = await session.send(alice, 'hers');
  await session.must(alice, { name: 'member.remove', data: { userId: 'bob' } });
  const status = (actor: typeof bob, id: string) => session.stub().commandStatus(session.identity, actor, id);
  expect(await status(bob, sent.accepted.commandId)).toMatchObject({ ok: true });
  expect(await status(bob, hers.accepted.commandId)).toMatchObject({ ok: false, refusal: { code: 'session_not_found' } });
  expect(await status({ id: 'root', kind: 'user', admin: true }, hers.accepted.commandId)).toMatchObject({ ok: true });
});

test('session.create over a socket makes another session, and finds it again by its key', async () => {
  const session = new TestSession();
  await session.create();
  const socket = await session.connect(alice);
  const create = (id: string, data: object, idempotencyKey?: string) =>
    socket.send({ type: 'command', id, command: 'session.create', data: { title: 'Other', ...data }, idempotencyKey });
  const answers = () => socket.frames.filter((frame) => frame.type === 'ack' || frame.type === 'reject');
  create('1', {}, 'key-1');
  await socket.until('the first answer', () => answers().length === 1);
  create('2', {}, 'key-1');
  create('3', { id: session.identity.sessionId });
  await socket.until('all answers', () => answers().length === 3);
  const [first, ...others] = answers();
  expect(first).toMatchObject({ type: 'ack', id: '1', result: { seq: 1 } });
  const byId = (id: string) => others.find((frame) => frame.id === id);
  expect(byId('2')).toMatchObject({ type: 'ack', replayed: true, result: first?.type === 'ack' ? first.result : {} });
  expect(byId('3')).toMatchObject({ type: 'reject', error: { code: 'conflict' } });
  expect(first?.type === 'ack' && first.result.sessionId).not.toBe(session.identity.sessionId);
});

test('a subprotocol that is not ours is refused before the ticket is used', async () => {
  const session = new TestSession();
  await session.create();
  const ticket = await session.ticket(alice);
  expect((await session.upgrade([`ticket.${ticket}`])).status).toBe(400);
  expect((await session.upgrade(['millrace.v1', `ticket.${ticket}`])).status).toBe(101);
});

test('deleting a message erases it at the edge at once', async () => {
  const session = new TestSession();
  await session.create();
  await session.send(alice, 'secret', { id: 'm1' });
  await session.must(alice, { name: 'message.edit', data: { messageId: 'm1', text: 'still secret' } });
  await session.must(alice, { name: 'message.delete', data: { messageId: 'm1' } });
  const page = (await session.stub().events(session.identity, alice, { after: 0, limit: 100 })) as Result<EventsPage>;
  expect(JSON.stringify(page)).not.toContain('secret');
  expect(page.ok && page.value.events.slice(1, 3).map((event) => event.data)).toEqual([
    { id: 'm1', erased: true },
    { id: 'm1', erased: true },
  ]);
  const messages = (await session.stub().messages(session.identity, alice, { limit: 10 })) as Result<MessagesPage>;
  expect(messages.ok && messages.value.items[0]?.body?.text).toBe('');
});

test('P8: a removed member is closed 4403, a deleted session 4410', async () => {
  const session = new TestSession();
  await session.create([{ userId: 'bob', role: 'member' }], 'public');
  const [hers, his] = [await session.connect(alice), await session.connect(bob)];
  await session.must(alice, { name: 'member.remove', data: { userId: 'bob' } });
  expect((await his.until('close', () => his.closed)).code).toBe(4403);
  expect(hers.closed).toBeUndefined();
  await session.must(alice, { name: 'session.delete', data: {} });
  expect((await hers.until('close', () => hers.closed)).code).toBe(4410);
  expect(await session.stub().describe(session.identity, alice)).toMatchObject({
    ok: false,
    refusal: { code: 'session_not_found' },
  });
});

test('resume: from a cursor, from another epoch, from the future', async () => {
  const session = new TestSession();
  await session.create();
  for (const text of ['a', 'b', 'c']) await session.send(alice, text);
  const resumed = await session.connect(alice, '?after=2');
  await resumed.until('the rest', () => resumed.seqs().length === 2);
  expect(resumed.seqs()).toEqual([3, 4]);
  expect(resumed.frames[0]).toMatchObject({ type: 'welcome', from: 3, head: 4, recovered: true });
  const foreign = await session.connect(alice, '?after=2&epoch=other');
  expect(await foreign.until('welcome', () => foreign.frames[0])).toMatchObject({ recovered: false, from: 5 });
  const future = await session.connect(alice, '?after=99');
  expect(await future.until('welcome', () => future.frames[0])).toMatchObject({ recovered: false, from: 5 });
});

test('P9: a client that never acknowledges is held at the window and fed on', async () => {
  const session = new TestSession();
  await session.create();
  const big = 'x'.repeat(49_000);
  const socket = await session.connect(alice);
  for (let sent = 0; sent < 190; sent += 1) await session.send(alice, big);
  await socket.until('a full window', () => socket.seqs().length >= 160);
  const bytes = socket.events().reduce((sum, event) => sum + JSON.stringify(event).length, 0);
  expect(bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
  expect(socket.seqs().length).toBeLessThan(190);
  await evictDurableObject(session.stub());
  socket.send({ type: 'received', seq: socket.seqs().at(-1) });
  await socket.until('the rest', () => socket.seqs().length === 190);
  expect(socket.seqs()).toEqual(Array.from({ length: 190 }, (_, each) => each + 2));
});

test('bad frames close 4400, a bad command is rejected', async () => {
  const session = new TestSession();
  await session.create();
  const polite = await session.connect(alice);
  polite.send({ type: 'command', id: '1', command: 'message.send', data: { text: ' ' } });
  polite.send({ type: 'command', id: '2', command: 'no.such', data: {} });
  await polite.until('both rejects', () => polite.frames.filter((frame) => frame.type === 'reject').length === 2);
  expect(polite.frames.slice(1)).toMatchObject([
    { type: 'reject', id: '1', error: { code: 'message_empty', status: 400 } },
    { type: 'reject', id: '2', error: { code: 'invalid_request', status: 400 } },
  ]);
  for (const frame of ['not json', '[]', '{"type":"unknown"}', '1']) {
    const socket = await session.connect(alice);
    socket.send(frame);
    expect((await socket.until('close', () => socket.closed)).code).toBe(4400);
  }
  const binary = await session.connect(alice);
  binary.sendBinary(new Uint8Array([1, 2, 3]));
  expect((await binary.until('close', () => binary.closed)).code).toBe(4400);
});

test('P3: what was answered 202 is there after the object was aborted', async () => {
  const session = new TestSession();
  await session.create();
  const sent = await session.send(alice, 'kept');
  await abortAllDurableObjects();
  const page = (await session.stub().events(session.identity, alice, { after: 0, limit: 10 })) as Result<EventsPage>;
  expect(page.ok && page.value.events.at(-1)?.id).toBe(sent.accepted.eventId);
});

test('reading a session that never was writes nothing', async () => {
  const session = new TestSession();
  expect(await session.stub().describe(session.identity, alice)).toMatchObject({
    ok: false,
    refusal: { code: 'session_not_found' },
  });
  const tables = await runInDurableObject(session.stub(), (_instance, state) =>
    state.storage.sql.exec(`SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'`).toArray(),
  );
  expect(tables).toEqual([]);
});
