import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jetStreamDeadLetters, type DeadLetter } from '../../consumers/runtime/dead-letters.ts';
import type { AdminLogLine, DeadLetterAnswer, RedriveItem } from '../../shared/contract/admin.ts';
import type { QueryAnswer, QueryRequest } from '../../shared/contract/internal.ts';
import { DEAD_LETTERS_STREAM, QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent } from '../contracts/events.ts';
import { Backend } from '../support/backend.ts';
import { sessionPath, until, User } from '../support/client.ts';
import { ConsumerProcess } from '../support/consumer-processes.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { messageOf } from '../unit/consumers/fakes.ts';

/** Poison with real processes, and what operators do with it. The cases build on each other. */

const LETTERS = '/v1/admin/dead-letters';
const BURIED_MS_MAX = 90_000;
const SESSION = 'poisoned';
const POISONS = ['throws', 'hangs', 'loops', 'kills'].map((what) => `poison that ${what}`);

let stack: Stack;
let others: ConsumerProcess;
let history: ConsumerProcess;
let alice: User;
const commands = new Map<string, string>();

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function asOlga(method: string, path: string, body?: unknown, tenant = 'default'): Promise<Answer> {
  const response = await fetch(`${stack.url}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${await stack.token('olga', { scope: 'admin', tenant })}`,
      'X-Correlation-Id': 'by-hand',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function letters(query = '', tenant = 'default'): Promise<DeadLetterAnswer[]> {
  const { status, body } = await asOlga('GET', `${LETTERS}${query}`, undefined, tenant);
  expect(status, JSON.stringify(body)).toBe(200);
  return body['items'] as DeadLetterAnswer[];
}

async function letterOf(text: string): Promise<DeadLetterAnswer> {
  const commandId = commands.get(text);
  const found = (await letters()).find((letter) => letter.commandId === commandId);
  if (found === undefined) throw new Error(`there is no letter of ${text}`);
  return found;
}

/** A letter of the same stored message each time. */
function aLetter(seq = 1): DeadLetter {
  const incoming = messageOf(anEvent('message.created', { seq }));
  return { incoming, consumer: 'search', reason: 'bug', error: 'once more', firstFailedAtMs: Date.now() };
}

/** What the archive holds of the session: its creation is seq 1. */
async function archivedSeqs(): Promise<number[]> {
  const question: QueryRequest = { v: 1, op: 'held', tenant: 'default', sessionId: SESSION, ranges: [[1, 100]] };
  const connection = await connect({ servers: stack.nats });
  try {
    const answer = (await connection.request(QUERY_SUBJECT, JSON.stringify(question), { timeout: 5_000 })).json<QueryAnswer>();
    if (!answer.ok || answer.op !== 'held') throw new Error(JSON.stringify(answer));
    return answer.ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_none, index) => from + index));
  } finally {
    await connection.close();
  }
}

const statusOf = async (text: string) => await alice.status(SESSION, commands.get(text) ?? '');

requireOrSkip('nats-server', natsServerMissing())('dead letters', () => {
  beforeAll(async () => {
    stack = await startStack({ parts: ['nats', 'edge'] });
    history = await ConsumerProcess.start(stack, 'test/support/poisoned-history.ts');
    others = await ConsumerProcess.roles(stack, 'query,admin,relay,notifications');
    alice = new User(stack.url, await stack.token('alice'));
    await alice.create({ id: SESSION, title: 'Poisoned' });
  });
  afterAll(async () => {
    await history?.stop();
    await others?.stop();
    await stack?.stop();
  });

  test('P7 poison that throws, hangs, loops or kills its worker is kept, and holds up nobody', { timeout: 240_000 }, async () => {
    const startedMs = Date.now();
    const sent: string[] = [];
    const sendAndBury = async (poisons: readonly string[]): Promise<void> => {
      for (const poison of poisons)
        for (const text of [`good before ${poison}`, poison, `good after ${poison}`]) {
          commands.set(text, (await alice.send(SESSION, text)).commandId);
          sent.push(text);
        }
      const isBuried = async (): Promise<boolean> => {
        const statuses = await Promise.all(poisons.map(async (text) => (await statusOf(text)).status));
        return statuses.every((status) => status === 'failed');
      };
      await until(`${poisons.join(', ')}: buried`, isBuried, BURIED_MS_MAX);
    };
    // what kills a worker comes after what only fails in it: a death would take the last failure of the others with it, and
    // they would be buried for their deliveries
    await sendAndBury(POISONS.slice(0, 2));
    await sendAndBury(POISONS.slice(2));
    // not by their status: the receipt of one may have died with a worker, and comes a minute later
    await until('all else is in the archive', async () => (await archivedSeqs()).length === sent.length + 1 - POISONS.length);
    console.info(`buried and passed after ${Date.now() - startedMs} ms and ${history.deaths} deaths`);
    // a death may be that of two of them
    expect(history.deaths).toBeGreaterThanOrEqual(6);
    expect(history.said('the event loop stands still: killed')).toBeGreaterThanOrEqual(3);
    for (const poison of POISONS.slice(0, 2))
      expect((await statusOf(poison)).failure).toMatchObject({ code: 'retries_exhausted', consumer: 'history' });
    for (const poison of POISONS.slice(2))
      expect((await statusOf(poison)).failure).toMatchObject({ code: 'deliveries_exhausted', consumer: 'history' });
  });

  test('is listed and shown, to its own tenant alone', async () => {
    const all = await letters();
    expect(all.map(({ reason }) => reason).toSorted()).toEqual([
      'deliveries_exhausted',
      'deliveries_exhausted',
      'retries_exhausted',
      'retries_exhausted',
    ]);
    for (const letter of all) expect(letter).toMatchObject({ consumer: 'history', tenant: 'default', sessionId: SESSION });
    const letter = await letterOf('poison that throws');
    expect(letter).toMatchObject({ error: expect.stringContaining('a bug of the projection') as string, attempts: 6 });
    const { status, body } = await asOlga('GET', `${LETTERS}/${letter.id}`);
    expect(status).toBe(200);
    expect(JSON.parse((body['payload'] as { data: string }).data)).toMatchObject({ seq: letter.seq, id: letter.eventId });
    expect(body['headers']).toContainEqual({ name: 'Millrace-Reason', value: 'retries_exhausted' });

    expect(await letters('?consumer=relay')).toEqual([]);
    expect(await letters('', 'acme')).toEqual([]);
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/redrive'],
      ['POST', '/discard'],
    ] as const)
      expect((await asOlga(method, `${LETTERS}/${letter.id}${path}`, undefined, 'acme')).status).toBe(404);
    expect((await asOlga('POST', `${LETTERS}/redrive`, {}, 'acme')).body).toMatchObject({ matched: 0 });
    expect(await letters()).toEqual(all);
  });

  test('a redrive that fails says why, and changes nothing', { timeout: 60_000 }, async () => {
    const before = await letters();
    const thrown = await asOlga('POST', `${LETTERS}/${(await letterOf('poison that throws')).id}/redrive`);
    expect(thrown).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining('a bug') as string } });
    const hung = await asOlga('POST', `${LETTERS}/${(await letterOf('poison that hangs')).id}/redrive`);
    expect(hung).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    const dry = await asOlga('POST', `${LETTERS}/redrive`, { consumer: 'history', dryRun: true });
    expect(dry.body).toMatchObject({ dryRun: true, matched: POISONS.length, redriven: POISONS.length, failed: 0 });
    expect((dry.body['items'] as RedriveItem[]).map(({ outcome, as }) => `${outcome} ${as}`)).toEqual(
      POISONS.map(() => 'wouldRedrive event'),
    );
    expect(await letters()).toEqual(before);
    expect((await statusOf('poison that throws')).status).toBe('failed');
    expect((await asOlga('GET', '/v1/admin/log')).body['items']).toEqual([]);
  });

  test('after the fix: redriven once, also when asked twice at once; failed becomes persisted', { timeout: 60_000 }, async () => {
    await history.stop();
    const { id } = await letterOf('poison that throws');
    const away = await asOlga('POST', `${LETTERS}/${id}/redrive`);
    expect(away).toMatchObject({ status: 503, body: { detail: 'No worker of history is running.' } });
    history = await ConsumerProcess.roles(stack, 'history');
    const failedAt = String((await statusOf('poison that throws')).failure?.['at']);
    const twice = await Promise.all([asOlga('POST', `${LETTERS}/${id}/redrive`), asOlga('POST', `${LETTERS}/${id}/redrive`)]);
    expect(twice.map(({ status }) => status)).toContain(200);
    for (const { status, body } of twice)
      if (status === 200) expect(body).toEqual({ id, consumer: 'history', outcome: 'redriven', as: 'event' });
      else expect([status, body['code']]).toEqual([404, 'not_found']);
    // the receipt was taken before the letter went: nothing to wait for
    const status = await statusOf('poison that throws');
    expect(status).toMatchObject({ status: 'persisted' });
    expect(status).not.toHaveProperty('failure');
    expect(Date.parse(String(status['persistedAt']))).toBeGreaterThan(Date.parse(failedAt));
    expect((await letters()).length).toBe(POISONS.length - 1);
    expect((await asOlga('POST', `${LETTERS}/${id}/redrive`)).status).toBe(404);
  });

  test('what was erased meanwhile is redriven as erased; a discard leaves a line', { timeout: 60_000 }, async () => {
    const hung = await letterOf('poison that hangs');
    const messages = await alice.http.expect(200, 'GET', `${sessionPath(SESSION)}/messages`);
    const all = (messages.body as { items: { id: string; text: string }[] }).items;
    await alice.deleteMessage(SESSION, all.find(({ text }) => text === 'poison that hangs')?.id ?? '');
    const killer = await letterOf('poison that kills');
    expect((await asOlga('POST', `${LETTERS}/${killer.id}/discard`)).body).toEqual({
      id: killer.id,
      consumer: 'history',
      outcome: 'discarded',
    });
    expect((await asOlga('POST', `${LETTERS}/${killer.id}/discard`)).status).toBe(404);
    expect((await statusOf('poison that kills')).status).toBe('failed');

    const { body } = await asOlga('POST', `${LETTERS}/redrive`, { ids: [hung.id, killer.id, '7-nothing'] });
    expect(body).toMatchObject({ matched: 3, redriven: 1, failed: 0 });
    expect(body).not.toHaveProperty('nextCursor');
    expect(body['items']).toContainEqual(expect.objectContaining({ id: hung.id, outcome: 'redriven', as: 'erased' }));
    expect(body['items']).toContainEqual({ id: killer.id, outcome: 'gone' });
    expect((await statusOf('poison that hangs')).status).toBe('persisted');
    // what is left, by no choice at all
    expect((await asOlga('POST', `${LETTERS}/redrive`)).body).toMatchObject({ matched: 1, redriven: 1 });
    expect((await statusOf('poison that loops')).status).toBe('persisted');
    expect(await letters()).toEqual([]);

    const lines = (await asOlga('GET', '/v1/admin/log')).body['items'] as AdminLogLine[];
    expect(lines.map(({ action, target, actor }) => `${actor} ${action} ${target}`)).toEqual([
      expect.stringContaining('olga deadLetters.redrive'),
      `olga deadLetters.redrive ${hung.id}`,
      `olga deadLetters.discard ${killer.id}`,
      expect.stringContaining('olga deadLetters.redrive'),
    ]);
    expect(lines[2]).toMatchObject({ correlationId: 'by-hand', details: { consumer: 'history', streamSeq: killer.streamSeq } });
    expect((await asOlga('GET', '/v1/admin/log', undefined, 'acme')).body['items']).toEqual([]);
  });

  test('a message that is buried once more, after its letter was removed, has a letter again', { timeout: 60_000 }, async () => {
    const connection = await connect({ servers: stack.nats });
    try {
      const bury = async (): Promise<void> => await jetStreamDeadLetters(jetstream(connection), 1024 * 1024).store(aLetter());
      for (const round of [1, 2, 3]) {
        await bury();
        await bury();
        const found = await letters('?consumer=search');
        expect([round, found.length]).toEqual([round, 1]);
        expect((await asOlga('POST', `${LETTERS}/${found[0]?.id}/discard`)).status).toBe(200);
      }
    } finally {
      await connection.close();
    }
  });

  test('a letter of another consumer goes to that one', { timeout: 60_000 }, async () => {
    const { body } = await alice.http.expect(200, 'GET', `${sessionPath(SESSION)}/events?limit=1`);
    const [event] = (body as { items: Event[] }).items;
    if (event === undefined) throw new Error('there is no event');
    const connection = await connect({ servers: stack.nats });
    try {
      const incoming = messageOf(event);
      await jetStreamDeadLetters(jetstream(connection), 1024 * 1024).store({ ...aLetter(), incoming, consumer: 'notifications' });
    } finally {
      await connection.close();
    }
    const [letter] = await letters('?consumer=notifications');
    const redriven = await asOlga('POST', `${LETTERS}/${letter?.id}/redrive`);
    expect(redriven).toMatchObject({ status: 200, body: { consumer: 'notifications', outcome: 'redriven', as: 'event' } });
    await until('its worker says so', () => others.output.includes('"msg":"redriven","role":"notifications"'));
    expect(history.output).not.toContain(`"msg":"redriven","role":"history","consumer":"notifications"`);
  });

  test('many are paged without gap or repeat, while some go', { timeout: 60_000 }, async () => {
    const connection = await connect({ servers: stack.nats });
    try {
      const box = jetStreamDeadLetters(jetstream(connection), 1024 * 1024);
      const seqs = Array.from({ length: 1_300 }, (_none, index) => index + 1);
      for (const seq of seqs) await box.store({ ...aLetter(seq), consumer: seq % 3 === 0 ? 'sparse' : 'volume' });
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const { body } = await asOlga(
          'GET',
          `${LETTERS}?consumer=sparse&limit=97${cursor === undefined ? '' : `&cursor=${cursor}`}`,
        );
        const items = body['items'] as DeadLetterAnswer[];
        seen.push(...items.map(({ seq = 0 }) => seq));
        // what was shown may go meanwhile
        const [gone] = items;
        if (gone !== undefined) await asOlga('POST', `${LETTERS}/${gone.id}/discard`);
        cursor = body['nextCursor'] as string | undefined;
      } while (cursor !== undefined);
      expect(seen).toEqual(seqs.filter((seq) => seq % 3 === 0).toReversed());
      const manager = await jetstreamManager(connection);
      await manager.streams.purge(DEAD_LETTERS_STREAM);
      expect(await letters()).toEqual([]);
    } finally {
      await connection.close();
    }
  });

  test('the same by hand: npm run dead-letters', { timeout: 60_000 }, async () => {
    const environment = {
      PATH: process.env['PATH'],
      MILLRACE_URL: stack.url,
      MILLRACE_TOKEN: await stack.token('olga', { scope: 'admin' }),
    };
    const run = (...args: string[]) => {
      const script = join(import.meta.dirname, '../../scripts/dead-letters.ts');
      const { stdout, stderr, status } = spawnSync(process.execPath, [script, ...args], { env: environment, encoding: 'utf8' });
      return { stdout, stderr, status };
    };
    const connection = await connect({ servers: stack.nats });
    try {
      await jetStreamDeadLetters(jetstream(connection), 1024 * 1024).store(aLetter());
    } finally {
      await connection.close();
    }
    const [letter] = await letters('?consumer=search');
    const id = letter?.id ?? '';
    expect(run('list').stdout).toMatch(new RegExp(`^${id}  .*  search  bug  s1/1  once more\n1 dead letters\n$`));
    expect(JSON.parse(run('show', id).stdout)).toMatchObject({ id, payload: { encoding: 'text' } });
    expect(run('redrive')).toMatchObject({ status: 1, stderr: expect.stringContaining('--all') as string });
    // the session of that event is none of this system
    expect(run('redrive', '--all')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('1 looked at, 0 redriven, 1 failed') as string,
    });
    expect(run('discard', id)).toMatchObject({ status: 0, stdout: `${id}  discarded\n` });
    expect(run('discard', id)).toMatchObject({ status: 1, stderr: expect.stringContaining('not_found') as string });
  });

  test('a command that was refused is published again, with its key', { timeout: 60_000 }, async () => {
    const backend = await Backend.connect(stack.nats);
    try {
      await backend.ready();
      const command = {
        command: 'message.send',
        data: { text: 'let me in' },
        actor: { id: 'bob', kind: 'user' },
        commandId: 'c-bob',
      };
      const refused = await backend.ask(SESSION, command);
      expect(refused.body).toMatchObject({ code: 'session_not_found' });
      const [letter] = await letters('?consumer=relay');
      expect(letter).toMatchObject({ reason: 'session_not_found', sessionId: SESSION, commandId: 'c-bob' });
      await alice.command('PUT', `${sessionPath(SESSION)}/members/bob`, { role: 'member' });
      const { body } = await asOlga('POST', `${LETTERS}/redrive`, { consumer: 'relay', reason: 'session_not_found' });
      expect(body).toMatchObject({ matched: 1, redriven: 1, items: [{ id: letter?.id, as: 'command' }] });
      await until('it was taken', async () => {
        const { items } = (await alice.http.expect(200, 'GET', `${sessionPath(SESSION)}/messages`)).body as {
          items: { text: string }[];
        };
        return items.some(({ text }) => text === 'let me in');
      });
      expect(await letters()).toEqual([]);
    } finally {
      await backend.close();
    }
  });
});
