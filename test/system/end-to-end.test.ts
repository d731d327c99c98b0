import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import { event as eventSchema, type WireEvent } from '../../scripts/replay/answers.ts';
import { readEvents, readMessages, refusalOf, sessionPath, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const TAIL_EVENTS_MIN = 1_000;
/** more than a session lets pile up before it trims */
const TRIM_SLACK_EVENTS = 400;
/** a look at the tail costs a socket */
const TRIM_LOOK_EVERY_MS = 2_000;
/** the tail is kept for 60 s after it was persisted, then trimmed by an alarm that may come a little later */
const TRIMMED_WITHIN_MS = 180_000;

/** matchers are of type any: so they are unknown, and no less a matcher */
const aString: unknown = expect.any(String);

let stack: Stack;
let alice: User;
let bob: User;

/** What the archive itself holds, asked as the edge asks it. */
async function archived(sessionId: string, from: number, to: number): Promise<WireEvent[]> {
  const connection = await connect({ servers: stack.nats });
  try {
    const question = { v: 1, op: 'events', tenant: 'default', sessionId, from, to, maxBytes: 500_000 };
    const reply = await connection.request(QUERY_SUBJECT, JSON.stringify(question), { timeout: 5_000 });
    return z.object({ ok: z.literal(true), events: z.array(eventSchema) }).parse(reply.json()).events;
  } finally {
    await connection.close();
  }
}

function seqs(events: readonly { seq: number }[]): number[] {
  return events.map((event) => event.seq);
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}

async function killEdge(): Promise<void> {
  const deaths = (): number => stack.said.filter((line) => /edge died/.test(line)).length;
  const before = deaths();
  stack.kill('workerd', 'SIGKILL');
  await until('the supervisor noticed', () => deaths() > before);
}

requireOrSkip('nats-server', natsServerMissing())('from a client to the store and back', () => {
  beforeAll(async () => {
    const limits = {
      LIMIT_COMMANDS_PER_S: '100000',
      LIMIT_COMMANDS_BURST: '100000',
      LIMIT_FRAMES_PER_S: '100000',
      LIMIT_FRAMES_BURST: '100000',
    };
    stack = await startStack({ env: limits });
    alice = new User(stack.url, await stack.token('alice'));
    bob = new User(stack.url, await stack.token('bob'));
    await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200);
  });
  afterAll(async () => {
    await Promise.all([alice?.close(), bob?.close()]);
    await stack?.stop();
  });

  test('a message is sent, edited, deleted, and erased everywhere, also in the archive after the tail was trimmed', async () => {
    const sessionId = 'erasure';
    const members = [{ userId: 'bob', role: 'member' }];
    const created = await alice.create({ id: sessionId, title: 'To be forgotten', members });
    const watched = await bob.watch(sessionId, 0);
    const secret = await alice.send(sessionId, 'the secret');
    const bySocket = await watched.socket.command('message.send', { text: 'by socket' }, 'a-key');
    expect(bySocket).toMatchObject({ kind: 'ack', replayed: false, accepted: { seq: 3, sessionId } });
    const edited = await alice.edit(sessionId, secret.entityId, 'the secret, again');
    const kept = await alice.send(sessionId, 'not a secret');
    expect(await alice.message(sessionId, secret.entityId)).toMatchObject({
      text: 'the secret, again',
      editedAt: aString,
    });
    // what is in the archive must be erased there, not only kept from getting there
    await alice.persisted(sessionId, edited.commandId);
    expect(JSON.stringify(await archived(sessionId, 1, 5))).toContain('the secret, again');
    const deleted = await alice.deleteMessage(sessionId, secret.entityId);
    expect([created, secret, edited, kept, deleted].map((each) => each.seq)).toEqual([1, 2, 4, 5, 6]);

    const erased = { id: secret.entityId, erased: true };
    const expectErased = (events: readonly WireEvent[]): void => {
      expect(seqs(events.slice(0, 6))).toEqual(upTo(6));
      expect(events.filter((event) => [2, 4].includes(event.seq)).map((event) => event.data)).toEqual([erased, erased]);
      expect(events[4]?.data).toMatchObject({ text: 'not a secret' });
      expect(JSON.stringify(events)).not.toContain('the secret');
    };
    await until('the socket has the deletion', () => watched.socket.lastSeq === 6);
    expect(watched.events[1]?.data).toMatchObject({ text: 'the secret' });
    expect(watched.events[5]).toMatchObject({ type: 'message.deleted', data: { id: secret.entityId, messageSeq: 2 } });
    const expectPages = async (): Promise<void> => {
      expect(await bob.message(sessionId, secret.entityId)).toMatchObject({
        text: '',
        deletedAt: aString,
        author: { id: 'alice' },
      });
      const oldest = (await readMessages(bob.http, sessionId)).slice(-3);
      expect(oldest.map((each) => each.text)).toEqual(['not a secret', 'by socket', '']);
    };
    expectErased((await readEvents(bob.http, sessionId)).events);
    const late = await alice.watch(sessionId, 0);
    await until('a socket that comes late has all', () => late.socket.lastSeq === 6);
    expectErased(late.events);
    await expectPages();
    expect(await refusalOf(alice.edit(sessionId, secret.entityId, 'back?'))).toBe('message_not_found');

    for (const each of [created, secret, edited, kept, deleted]) await alice.persisted(sessionId, each.commandId);
    expectErased(await archived(sessionId, 1, 6));

    await fill(sessionId, TAIL_EVENTS_MIN + TRIM_SLACK_EVENTS);
    await until('the tail no longer begins at seq 1', async () => !(await resumesFromStart(sessionId)), TRIMMED_WITHIN_MS);
    const { events, head } = await readEvents(bob.http, sessionId);
    expect(seqs(events)).toEqual(upTo(head));
    expectErased(events);
    await expectPages();
    expect(watched.faults).toEqual([]);
    expect(seqs(watched.events)).toEqual(upTo(head));
  }, 300_000);

  test('P4: a socket goes on after its last event, in the same epoch, when the edge is killed', async () => {
    const sessionId = 'resume';
    await alice.create({ id: sessionId, title: 'Resume', members: [{ userId: 'bob', role: 'member' }] });
    const watched = await bob.watch(sessionId, 0);
    const { epoch } = watched.socket;
    for (let at = 0; at < 3; at += 1) {
      await alice.send(sessionId, `before ${at}`);
      await killEdge();
      const { seq } = await alice.send(sessionId, `after ${at}`);
      // before the next kill: else one resume could stand for two
      await until('the socket went on', () => watched.socket.lastSeq === seq);
    }
    expect(seqs(watched.events)).toEqual(upTo(7));
    expect(watched.events).toEqual((await readEvents(alice.http, sessionId)).events);
    expect(watched.socket.reconnects).toBeGreaterThanOrEqual(3);
    expect(watched.socket.epoch).toBe(epoch);
    expect(watched.faults).toEqual([]);
  });

  test('P3: no 202 is lost when the edge is killed in the middle of many', async () => {
    const sessionId = 'kill';
    await alice.create({ id: sessionId, title: 'Kill', members: [{ userId: 'bob', role: 'member' }] });
    const accepted: { entityId: string; seq: number; text: string; commandId: string }[] = [];
    const ending = new AbortController();
    // what was sent and not answered may or may not be there: each lane repeats it under its key until it is answered
    const lane = async (user: User, name: string): Promise<void> => {
      for (let at = 0; !ending.signal.aborted; at += 1) {
        const text = `${name} ${at}`;
        accepted.push({ text, ...(await user.send(sessionId, text, {}, `${name}.${at}`.replaceAll(' ', '_'))) });
      }
    };
    const lanes = [alice, bob].flatMap((user, who) => [0, 1, 2, 3].map((each) => lane(user, `lane ${who}-${each}`)));
    for (let kill = 0; kill < 3; kill += 1) {
      const before = accepted.length;
      await until('more was accepted', () => accepted.length > before + 50);
      await killEdge();
    }
    ending.abort();
    await Promise.all(lanes);
    const { events, head } = await readEvents(alice.http, sessionId);
    expect(seqs(events)).toEqual(upTo(head));
    expect(head).toBe(accepted.length + 1);
    const bySeq = new Map(events.map((event) => [event.seq, event]));
    for (const each of accepted) {
      expect(bySeq.get(each.seq)).toMatchObject({
        subject: each.entityId,
        causationid: each.commandId,
        data: { text: each.text },
      });
    }
    const last = accepted.toSorted((a, b) => a.seq - b.seq).at(-1);
    const sender = last?.text.startsWith('lane 0') === true ? alice : bob;
    await sender.persisted(sessionId, last?.commandId ?? '');
  });

  test('a key by another door is the same command', async () => {
    const sessionId = 'doors';
    await alice.create({ id: sessionId, title: 'Doors' });
    const watched = await alice.watch(sessionId, 0);
    const first = await alice.send(sessionId, 'once', {}, 'the-key');
    const again = await watched.socket.command('message.send', { text: 'once' }, 'the-key');
    expect(again).toEqual({ kind: 'ack', accepted: first, replayed: true });
    expect(await watched.socket.command('message.send', { text: 'twice' }, 'the-key')).toMatchObject({
      kind: 'reject',
      problem: { code: 'idempotency_key_reused', status: 422 },
    });
    expect(await alice.get(sessionPath(sessionId))).toMatchObject({ body: { head: 2 } });
  });

  /** True when a new socket from the beginning is served from the tail alone. */
  async function resumesFromStart(sessionId: string): Promise<boolean> {
    const { socket } = await alice.watch(sessionId, 0);
    await alice.close();
    if (socket.refills === 0) await sleep(TRIM_LOOK_EVERY_MS);
    return socket.refills === 0;
  }

  async function fill(sessionId: string, count: number): Promise<void> {
    const remaining = upTo(count).values();
    const lane = async (): Promise<void> => {
      for (const at of remaining) await alice.send(sessionId, `filling ${at}`);
    };
    await Promise.all(Array.from({ length: 16 }, lane));
  }
});
