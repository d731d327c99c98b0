import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEvents, readMessages, sessionPath, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const SESSION = 'no-nats';
const MESSAGES = 60;

let stack: Stack;
let alice: User;
let bob: User;

requireOrSkip('nats-server', natsServerMissing())('with NATS dead from the start', () => {
  const commandIds: string[] = [];

  beforeAll(async () => {
    stack = await startStack({ parts: ['edge'] });
    alice = new User(stack.url, await stack.token('alice'));
    bob = new User(stack.url, await stack.token('bob'));
  });
  afterAll(async () => {
    await Promise.all([alice?.close(), bob?.close()]);
    await stack?.stop();
  });

  test('P5: commands are 202, and sockets and GETs show them', async () => {
    commandIds.push(
      (await alice.create({ id: SESSION, title: 'Nobody to publish to', members: [{ userId: 'bob', role: 'member' }] }))
        .commandId,
    );
    const watched = await bob.watch(SESSION, 0);
    const texts: string[] = [];
    for (let at = 0; at < MESSAGES; at += 1) {
      texts.push(`message ${at}`);
      const sender = at % 2 === 0 ? alice : bob;
      commandIds.push((await sender.send(SESSION, `message ${at}`)).commandId);
    }
    const head = MESSAGES + 1;
    await until('the socket has all', () => watched.socket.lastSeq === head);
    expect(watched.events.map((event) => event.seq)).toEqual(Array.from({ length: head }, (_, at) => at + 1));
    expect(watched.faults).toEqual([]);
    expect((await readMessages(alice.http, SESSION)).map((each) => each.text)).toEqual(texts.toReversed());
    expect((await readEvents(bob.http, SESSION)).events).toEqual(watched.events);
    expect(await alice.status(SESSION, commandIds[0] ?? '')).toMatchObject({ status: 'accepted' });
  });

  test('/readyz names the parts that are missing, /healthz is well', async () => {
    const ready = await alice.http.request('GET', '/readyz');
    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({
      parts: { edge: { status: 'ok' }, uplink: { status: 'unavailable' }, history: { status: 'unavailable' } },
    });
    expect((await alice.http.request('GET', '/healthz')).status).toBe(200);
  });

  test('P3: what was answered is there after the edge is killed too', async () => {
    stack.kill('workerd', 'SIGKILL');
    await until('the supervisor noticed', () => stack.said.some((line) => /edge died/.test(line)));
    await stack.edgeReady();
    expect((await readEvents(alice.http, SESSION)).head).toBe(MESSAGES + 1);
    expect(await alice.get(sessionPath(SESSION))).toMatchObject({ body: { head: MESSAGES + 1, memberCount: 2 } });
  });

  test('P6: all is stored once NATS and the consumers run', async () => {
    await stack.start('nats');
    await stack.start('consumers');
    for (const [at, commandId] of commandIds.entries()) {
      const sender = at === 0 || at % 2 === 1 ? alice : bob;
      const status = await sender.persisted(SESSION, commandId);
      expect(status.seq).toBe(at + 1);
    }
    await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200);
  });
});
