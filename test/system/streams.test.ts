import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { QueryAnswer } from '../../shared/contract/internal.ts';
import { commandSubject, QUERY_SUBJECT, signalsSubject } from '../../shared/contract/subjects.ts';
import { sessionPath, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { StreamClient } from '../support/stream-client.ts';

const READERS = 50;
const RESTLESS = 10;
const CHUNKS = 2_000;
/** chunks under way at once, as a sender has them that does not wait for each answer */
const UNDER_WAY = 20;
const STOP_MS_MAX = 1_000;

let stack: Stack;

async function client(sessionId: string, user: string, kind: 'user' | 'agent' = 'user'): Promise<StreamClient> {
  const made = new StreamClient(stack.url, await stack.token(user, { kind }), sessionId);
  await made.connect();
  return made;
}

/** The text as the history store has it, by the seq of its message. */
async function storedText(sessionId: string, seq: number): Promise<string | undefined> {
  const connection = await connect({ servers: stack.nats });
  try {
    const question = JSON.stringify({ v: 1, op: 'messages', tenant: 'default', sessionId, seqs: [seq] });
    return await until('the store has the message', async () => {
      const answer = (await connection.request(QUERY_SUBJECT, question, { timeout: 5_000 })).json<QueryAnswer>();
      return answer.ok && answer.op === 'messages' ? answer.messages[0]?.text : undefined;
    });
  } finally {
    await connection.close();
  }
}

/** Words of several scripts, so that bytes, code units and code points differ. */
const word = (at: number): string => `${['tide', 'прилив', '潮', '🌊'][at % 4] ?? ''}${at} `;

requireOrSkip('nats-server', natsServerMissing())('token streams', () => {
  beforeAll(async () => {
    const env = {
      LIMIT_COMMANDS_PER_S: '5000',
      LIMIT_COMMANDS_BURST: '5000',
      LIMIT_FRAMES_PER_S: '5000',
      LIMIT_FRAMES_BURST: '5000',
    };
    stack = await startStack({ env });
  });
  afterAll(async () => {
    await stack?.stop();
  });

  test(
    '2,000 chunks, 50 readers of whom 10 are cut off and return at random: one text for all, and for the store',
    { timeout: 180_000 },
    async () => {
      const sessionId = 'fifty';
      const names = Array.from({ length: READERS }, (_, at) => `reader-${at}`);
      const alice = new User(stack.url, await stack.token('alice'));
      const members = [...names, 'ann'].map((userId) => ({ userId, role: 'member' }));
      await alice.create({ id: sessionId, title: 'Fifty', members });
      const readers = await Promise.all(names.map((name) => client(sessionId, name)));
      const agent = await client(sessionId, 'ann', 'agent');
      expect(await agent.command('stream.start', { messageId: 'm7', role: 'assistant' })).toMatchObject({ type: 'ack' });

      const over = new AbortController();
      // each on its own: cut off after some chunks that come to it, back when it pleases
      const restless = readers.slice(0, RESTLESS).map(async (reader) => {
        while (!over.signal.aborted) {
          const pause = reader.reader.next('m7') + Math.floor(Math.random() * 300);
          await until('some chunks', () => over.signal.aborted || reader.reader.next('m7') > pause, 60_000);
          if (over.signal.aborted) return;
          reader.cut();
          await reader.connect();
        }
      });
      const beganMs = Date.now();
      for (let at = 0; at < CHUNKS; at += UNDER_WAY) {
        const answers = await Promise.all(
          Array.from({ length: UNDER_WAY }, (_, more) =>
            agent.command('stream.append', { messageId: 'm7', index: at + more, text: word(at + more) }),
          ),
        );
        expect(answers.filter(({ type }) => type !== 'ack')).toEqual([]);
      }
      const tookMs = Date.now() - beganMs;
      over.abort();
      await Promise.all(restless);
      for (const [at, reader] of readers.entries()) {
        await until(`reader ${at} has all`, () => reader.reader.next('m7') === CHUNKS);
      }
      const text = Array.from({ length: CHUNKS }, (_, at) => word(at)).join('');
      for (const reader of readers) {
        expect(reader.faults).toEqual([]);
        expect(reader.reader.text('m7') === text).toBe(true);
      }
      const finished = await agent.command('stream.finish', { messageId: 'm7', status: 'completed' });
      expect(finished).toMatchObject({ type: 'ack', result: { seq: 2 } });
      for (const reader of readers) {
        const event = await until('the message', () => reader.events.find(({ subject }) => subject === 'm7'));
        expect(event.data.text === text).toBe(true);
      }
      expect((await alice.message(sessionId, 'm7')).text === text).toBe(true);
      expect((await storedText(sessionId, 2)) === text).toBe(true);
      const cuts = readers.reduce((sum, reader) => sum + reader.cuts, 0);
      const frames = readers.map((reader) => reader.reader.frames).toSorted((a, b) => a - b);
      expect(readers.slice(0, RESTLESS).every((reader) => reader.cuts > 0)).toBe(true);
      console.log(`${CHUNKS} chunks in ${tookMs} ms; ${cuts} cuts; frames per reader ${frames[0]} to ${frames.at(-1)}`);
    },
  );

  test('P3: a stream goes on through edges that are killed, and all see one text', { timeout: 120_000 }, async () => {
    const sessionId = 'killed';
    const streams = `${sessionPath(sessionId)}/streams`;
    const alice = new User(stack.url, await stack.token('alice'));
    const ann = new User(stack.url, await stack.token('ann', { kind: 'agent' }));
    await alice.create({ id: sessionId, title: 'Killed', members: [{ userId: 'ann', role: 'member' }] });
    await ann.command('POST', streams, { messageId: 'm7', role: 'assistant' });
    const readers = await Promise.all([client(sessionId, 'alice'), client(sessionId, 'alice'), client(sessionId, 'ann')]);
    const over = new AbortController();
    const returning = readers.map(async (reader) => {
      while (!over.signal.aborted) {
        await until('the socket is gone', () => over.signal.aborted || !reader.connected, 120_000);
        // the edge may be away for a moment
        if (!over.signal.aborted) await reader.connect().catch(() => undefined);
      }
    });
    const count = 300;
    const killAt = new Set([100, 200]);
    let resumed = 0;
    for (let at = 0; at < count;) {
      const reply = await ann.http.insist('POST', `${streams}/m7/chunks`, { body: { index: at, text: word(at) } });
      if (reply.status === 409) {
        const { code, expectedIndex } = reply.body as { code: string; expectedIndex: number };
        expect(code).toBe('stream_gap');
        expect(expectedIndex).toBeLessThan(at);
        resumed += at - expectedIndex;
        at = expectedIndex;
        continue;
      }
      expect(reply.status).toBe(202);
      at += 1;
      if (killAt.delete(at)) stack.kill('workerd');
    }
    await until('the readers are back with all of it', () => readers.every((reader) => reader.reader.next('m7') === count));
    const { seq } = await ann.command('POST', `${streams}/m7/finish`, { status: 'completed' });
    const text = Array.from({ length: count }, (_, at) => word(at)).join('');
    for (const reader of readers) {
      const event = await until('the message', () => reader.events.find((each) => each.seq === seq));
      expect(reader.faults).toEqual([]);
      expect(event.data.text === text && reader.reader.text('m7') === text).toBe(true);
    }
    over.abort();
    await Promise.all(returning);
    for (const reader of readers) reader.cut();
    console.log(`two kills, ${resumed} chunks sent again`);
  });

  interface Agent {
    connection: NatsConnection;
    /** when it was told to stop */
    stoppedAtMs(): number | undefined;
    sent(): number;
    end(): Promise<void>;
  }

  /** A backend that knows only NATS: it streams until it is told to stop. */
  async function natsAgent(sessionId: string, messageId: string, parentId: string): Promise<Agent> {
    const connection = await connect({ servers: stack.nats });
    const actor = { id: 'ann', name: 'Ann', kind: 'agent' };
    const subject = signalsSubject('default', sessionId);
    let stoppedAtMs: number | undefined;
    let sent = 0;
    connection.subscribe(subject, {
      callback: (_error, message) => {
        const signal = message.json<{ name: string; data: { messageId: string } }>();
        if (signal.name === 'cancel' && signal.data.messageId === messageId) stoppedAtMs ??= Date.now();
      },
    });
    await connection.flush();
    const start = { command: 'stream.start', data: { messageId, role: 'assistant', parentId }, actor };
    connection.publish(commandSubject('default', sessionId), JSON.stringify(start));
    const timer = setInterval(() => {
      if (stoppedAtMs !== undefined) return;
      connection.publish(subject, JSON.stringify({ name: 'stream', actor, data: { messageId, index: sent, text: word(sent) } }));
      sent += 1;
    }, 20);
    return {
      connection,
      stoppedAtMs: () => stoppedAtMs,
      sent: () => sent,
      async end() {
        clearInterval(timer);
        await connection.close();
      },
    };
  }

  test.each([
    ['in the tab that asked', false],
    ['in that tab after it came back', true],
  ])('Stop pressed %s ends an agent behind NATS within a second', async (_, reconnects) => {
    const sessionId = reconnects ? 'stop-again' : 'stop';
    const alice = new User(stack.url, await stack.token('alice'));
    await alice.create({ id: sessionId, title: 'Stop', members: [{ userId: 'ann', role: 'member' }] });
    await alice.send(sessionId, 'Tell me all about tides', { id: 'm1' });
    const tab = await client(sessionId, 'alice');
    const agent = await natsAgent(sessionId, 'm7', 'm1');
    try {
      await until('the first words', () => tab.reader.next('m7') > 10);
      if (reconnects) {
        tab.cut();
        await tab.connect();
        await until('more words', () => tab.reader.next('m7') > 30);
      }
      const pressedAtMs = Date.now();
      expect(await tab.command('stream.cancel', { messageId: 'm7' })).toMatchObject({ type: 'ack' });
      const stoppedAtMs = await until('the agent stops', () => agent.stoppedAtMs());
      expect(stoppedAtMs - pressedAtMs).toBeLessThan(STOP_MS_MAX);
      const event = await until('the message', () => tab.events.find(({ subject }) => subject === 'm7'));
      expect(event.data.status).toBe('cancelled');
      expect(tab.faults).toEqual([]);
      expect(event.data.text).toBe(tab.reader.text('m7'));
      expect(tab.signals.some(({ name, data }) => name === 'cancel' && data?.messageId === 'm7')).toBe(true);
      console.log(`stopped ${stoppedAtMs - pressedAtMs} ms after it was pressed, at ${agent.sent()} chunks`);
      const page = await alice.get(`${sessionPath(sessionId)}/messages/m7`);
      expect(page.body).toMatchObject({ text: event.data.text, author: { id: 'ann', kind: 'agent' }, parentId: 'm1' });
    } finally {
      await agent.end();
      tab.cut();
    }
  });
});
