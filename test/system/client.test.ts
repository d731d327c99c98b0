import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Millrace, type Event, type Outcome, type Session } from '../../client/index.ts';
import { until } from '../support/client.ts';
import { startCuttingProxy, type CuttingProxy } from '../support/cutting-proxy.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const MESSAGES_EACH = 40;
const CUTS = 12;
const CALM_MS_MAX = 60_000;

let stack: Stack;
let proxy: CuttingProxy;
const clients: Millrace[] = [];

/** What a client was handed: events in the order they came, and how often state started over. */
interface Seen {
  events: Event[];
  resets: number;
}

function newClient(user: string, options: { ttlSeconds?: number; kind?: 'agent'; onToken?: () => void } = {}): Millrace {
  const client = new Millrace({
    url: proxy.url,
    getToken: () => {
      const { onToken, ...token } = options;
      onToken?.();
      return stack.token(user, token);
    },
  });
  clients.push(client);
  return client;
}

/** A session of alice with bob, and each one's client on it. */
async function newPair(): Promise<{ id: string; alice: Session; bob: Session }> {
  const [alice, bob] = [newClient('alice'), newClient('bob')];
  const { sessionId: id } = await alice.createSession({ title: 'Two clients', members: [{ userId: 'bob', role: 'member' }] });
  return { id, alice: alice.session(id), bob: bob.session(id) };
}

function watch(session: Session): Seen {
  const seen: Seen = { events: [], resets: 0 };
  session.on('event', (event) => seen.events.push(event));
  session.on('reset', () => (seen.resets += 1));
  session.open();
  return seen;
}

function expectContiguous({ events, resets }: Seen, from: number, to: number): void {
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: to - from + 1 }, (_, at) => from + at));
  expect(resets).toBe(0);
}

requireOrSkip('nats-server', natsServerMissing())('the client on a real system', () => {
  beforeAll(async () => {
    stack = await startStack();
    proxy = await startCuttingProxy(stack.url);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await proxy?.close();
    await stack?.stop();
  });

  test('two clients chat through cuts and a killed edge: nothing missing, doubled or out of order', async () => {
    const { alice, bob } = await newPair();
    const seen = [watch(alice), watch(bob)] as const;
    await Promise.all([alice.ready(), bob.ready()]);
    const outcomes: Promise<Outcome>[] = [];
    for (let at = 0; at < MESSAGES_EACH; at += 1) {
      outcomes.push(alice.send(`alice ${at}`).settled, bob.send(`bob ${at}`).settled);
      if (at % Math.ceil(MESSAGES_EACH / CUTS) === 0) {
        await until('a few are through', () => seen[0].events.length >= at, CALM_MS_MAX);
        proxy.cut();
      }
      if (at === MESSAGES_EACH / 2) stack.kill('workerd');
    }
    const settled = await Promise.all(outcomes);
    const head = 1 + 2 * MESSAGES_EACH;
    expect(settled.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(Array.from({ length: head - 1 }, (_, at) => at + 2));
    await until('both have all', () => [alice, bob].every(({ cursor }) => cursor.seq === head), CALM_MS_MAX);
    for (const each of seen) expectContiguous(each, 2, head);
    const { items } = await clientOf(0).query('events.list', { s: alice.id, limit: 1_000 });
    for (const each of seen) expect(each.events).toEqual(items.slice(1));
    for (const user of ['alice', 'bob']) {
      const texts = items.flatMap((event) => (event.type === 'message.created' && event.actor === user ? [event.data] : []));
      expect(texts.map((data) => 'text' in data && data.text)).toEqual(
        Array.from({ length: MESSAGES_EACH }, (_, at) => `${user} ${at}`),
      );
    }
  });

  test('what it shows is what the server answers: pages, edits, deletions, replies, members, title', async () => {
    const { id, alice, bob } = await newPair();
    const { settled, id: first } = alice.send('first');
    await settled;
    watch(bob);
    await bob.ready();
    await bob.send({ text: 'a reply', parentId: first }).settled;
    const { id: gone } = bob.send('soon gone');
    await bob.command('session.update', { title: 'not mine to change' }).catch(({ code }) => expect(code).toBe('forbidden'));
    await alice.edit(first, 'first, edited');
    await bob.deleteMessage(gone);
    await alice.command('session.update', { title: 'Renamed' });
    await alice.command('member.put', { userId: 'carol', role: 'viewer' });
    const { seq } = await alice.send('last').settled;
    await until('bob has all', () => bob.cursor.seq === seq);
    const { items } = await clientOf(1).query('messages.list', { s: id });
    const { messages, session, members } = bob.getSnapshot();
    // which command made one is known where its event was seen, and is in no answer
    const seenOf = (messageId: string) => messages.find((message) => message.id === messageId)?.commandId;
    const shown = items.toReversed().map((message) => ({ ...message, state: 'sent', commandId: seenOf(message.id) }));
    expect(messages).toEqual(shown);
    expect(messages.map(({ text, replyCount }) => [text, replyCount])).toEqual([
      ['first, edited', 1],
      ['a reply', 0],
      ['', 0],
      ['last', 0],
    ]);
    expect(session).toEqual(await clientOf(1).query('session.get', { s: id }));
    const listed = await clientOf(1).query('members.list', { s: id });
    expect([...members].map(({ user, role }) => [user.id, role])).toEqual(listed.items.map(({ user, role }) => [user.id, role]));
  });

  test('older pages are loaded over HTTP while events go on', async () => {
    const { alice, bob } = await newPair();
    await Promise.all(Array.from({ length: 220 }, (_, at) => alice.send(`${at}`).settled));
    watch(bob);
    await bob.ready();
    expect(bob.getSnapshot().messages).toHaveLength(100);
    const during = alice.send('during').settled;
    while (await bob.loadOlder());
    const { seq } = await during;
    await until('bob has all', () => bob.cursor.seq === seq);
    const texts = bob.getSnapshot().messages.map(({ text }) => text);
    expect(texts).toEqual([...Array.from({ length: 220 }, (_, at) => `${at}`), 'during']);
    expect(bob.getSnapshot().hasOlder).toBe(false);
  });

  test('a token that expires is renewed on the open socket', async () => {
    let tokens = 0;
    const client = newClient('alice', { ttlSeconds: 4, onToken: () => (tokens += 1) });
    const { sessionId } = await client.createSession({ title: 'Short tokens' });
    const session = client.session(sessionId);
    const statuses = new Set<string>();
    watch(session);
    await session.ready();
    session.subscribe(() => void statuses.add(session.getSnapshot().status));
    const enough = tokens + 3;
    await until('it was renewed three times', () => tokens >= enough, CALM_MS_MAX);
    await session.send('still here').settled;
    expect([...statuses], 'it never had to reconnect').toEqual(['live']);
  });

  test('a token that expired unrenewed is replaced without a reload, and what was missed is there', async () => {
    const { id, bob } = await newPair();
    let alive = true;
    const fresh = await stack.token('alice', { ttlSeconds: 4 });
    // the login service has nothing newer for a while
    const alice = new Millrace({ url: proxy.url, getToken: () => (alive ? stack.token('alice') : fresh) });
    clients.push(alice);
    alive = false;
    const session = alice.session(id);
    const seen = watch(session);
    await session.ready();
    await until('the token is over', () => session.getSnapshot().status === 'reconnecting', CALM_MS_MAX);
    const { seq } = await bob.send('while away').settled;
    alive = true;
    await until(
      'it is back and has all',
      () => session.getSnapshot().status === 'live' && session.cursor.seq === seq,
      CALM_MS_MAX,
    );
    expectContiguous(seen, 2, seq);
  });

  test('read pointers, lists and the inbox follow', async () => {
    const { id, alice, bob } = await newPair();
    const inbox = clientOf(1).inbox();
    const release = inbox.open();
    await until('the inbox is live', () => inbox.getSnapshot().status === 'live', CALM_MS_MAX);
    watch(alice);
    watch(bob);
    await Promise.all([alice.ready(), bob.ready()]);
    const unread = (): number | undefined => inbox.getSnapshot().items.find(({ sessionId }) => sessionId === id)?.unread;
    const { seq } = await alice.send('read me').settled;
    await until('one is unread', () => unread() === 1, CALM_MS_MAX);
    await until('bob has it', () => bob.cursor.seq === seq);
    await bob.markRead();
    expect(bob.getSnapshot().readSeq).toBe(seq);
    await until('none is unread', () => unread() === 0, CALM_MS_MAX);
    const readBy = (): number | undefined => alice.getSnapshot().members.find(({ user }) => user.id === 'bob')?.readSeq;
    await until('alice sees that bob has read it', () => readBy() === seq, CALM_MS_MAX);
    const { items } = await clientOf(1).sessions();
    expect(items.map(({ session }) => session.id)).toContain(id);
    release();
  });

  test('a message is streamed chunk by chunk, over a cut, and stopped by who asked for it', async () => {
    const { id, alice } = await newPair();
    const agent = newClient('agent', { kind: 'agent' }).session(id);
    await alice.command('member.put', { userId: 'agent', role: 'member' });
    watch(alice);
    watch(agent);
    await Promise.all([alice.ready(), agent.ready()]);
    const { id: question, settled } = alice.send('What is a millrace?');
    await settled;
    const running = (): string | undefined => alice.getSnapshot().streams[0]?.text;
    const writer = await agent.stream({ parentId: question });
    await writer.append('It is ');
    await until('alice sees it begin', () => running() === 'It is ', CALM_MS_MAX);
    proxy.cut();
    const words = ['the ', 'channel ', 'that ', 'brings ', 'water ', 'to ', 'a ', 'mill.'];
    for (const word of words) await writer.append(word);
    const whole = `It is ${words.join('')}`;
    await until('alice sees all of it', () => running() === whole, CALM_MS_MAX);
    const { seq } = await writer.finish();
    await until('alice has the message', () => alice.cursor.seq === seq, CALM_MS_MAX);
    expect(alice.getSnapshot().streams).toEqual([]);
    expect(alice.getSnapshot().messages.at(-1)).toMatchObject({
      id: writer.messageId,
      text: whole,
      status: 'completed',
      parentId: question,
    });

    const stopped = await agent.stream({ parentId: question });
    await stopped.append('Once upon a time');
    await until('alice sees the second', () => running() === 'Once upon a time', CALM_MS_MAX);
    const end = await alice.stop(stopped.messageId);
    await until('it ended', () => alice.cursor.seq === end.seq, CALM_MS_MAX);
    expect(alice.getSnapshot().messages.at(-1)).toMatchObject({ text: 'Once upon a time', status: 'cancelled' });
    const goOn = async (): Promise<void> => {
      for (;;) await stopped.append(' there was');
    };
    await expect(goOn()).rejects.toMatchObject({ code: 'stream_ended', status: 409 });
    expect(stopped.ended).toBe(true);
  });

  test('who is here and who types is shown', async () => {
    const { alice, bob } = await newPair();
    watch(alice);
    await alice.ready();
    await alice.watchPresence();
    const here = (): string[] => alice.getSnapshot().presence.map(({ user, status }) => `${user.id} ${status}`);
    await until('alice is here', () => here().includes('alice online'));
    watch(bob);
    await bob.ready();
    await until('bob is here', () => here().includes('bob online'));
    bob.setPresence('away');
    await until('bob is away', () => here().includes('bob away'));
    bob.typing();
    await until('bob types', () => alice.getSnapshot().typing.some(({ id }) => id === 'bob'));
    await bob.send('typed').settled;
    await until('bob does not type any more', () => alice.getSnapshot().typing.length === 0);
  });

  test('a removed member is told, and does not come back', async () => {
    const { alice, bob } = await newPair();
    watch(bob);
    await bob.ready();
    await alice.command('member.remove', { userId: 'bob' });
    await until('bob is out', () => bob.getSnapshot().status === 'closed');
    expect(bob.getSnapshot().error?.code).toBe('removed');
    await expect(bob.send('let me in').settled).rejects.toMatchObject({ code: 'session_not_found', status: 404 });
    expect(bob.getSnapshot().messages.at(-1)).toMatchObject({ text: 'let me in', state: 'failed' });
  });

  test('events are read one by one with for await, over a cut', async () => {
    const { alice, bob } = await newPair();
    const events = bob.events();
    await bob.ready();
    const read: number[] = [];
    void alice.send('one');
    for await (const { seq } of events) {
      read.push(seq);
      if (read.length === 1) {
        proxy.cut();
        void alice.send('two');
        void alice.send('three');
      }
      if (read.length === 3) break;
    }
    expect(read).toEqual([2, 3, 4]);
  });
});

/** The client made as that one of this test. */
function clientOf(index: number): Millrace {
  const client = clients[index];
  if (client === undefined) throw new Error('there is no such client');
  return client;
}
