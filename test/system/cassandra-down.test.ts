import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import type { CassandraSettings } from '../../consumers/stores/history/cassandra-settings.ts';
import { openCassandraHistory } from '../../consumers/stores/history/cassandra.ts';
import { TAIL_EVENTS_MIN } from '../../shared/core/limits.ts';
import { answers, readEvents, readMessages, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing, sharedCassandra, type SharedCassandra } from '../support/shared-cassandra.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const KEYSPACE = 'down';
/** events older than the tail: enough that the edge trims (it waits for 256), and whole pages */
const OLDER = 400;
const HEAD = TAIL_EVENTS_MIN + OLDER;
const LONG = 'long-one';
/** commands of one user at once */
const IN_FLIGHT = 256;

requireOrSkip('nats-server and Cassandra', natsServerMissing() ?? (await cassandraMissing()))(
  'with the history in Cassandra',
  () => {
    let node: SharedCassandra;
    let stack: Stack;
    let alice: User;
    let settings: CassandraSettings;

    beforeAll(async () => {
      node = await sharedCassandra();
      settings = node.settings(KEYSPACE);
      await migrateCassandra(settings, () => {});
      const limits = { LIMIT_COMMANDS_PER_S: '100000', LIMIT_COMMANDS_BURST: '100000' };
      stack = await startStack({ env: { ...node.variables(KEYSPACE), ...limits } });
      alice = new User(stack.url, await stack.token('alice'));
      await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200);
      // first: the edge keeps what is persisted for a minute, which passes during the other test
      await fill();
    });
    afterAll(async () => {
      await alice?.close();
      await stack?.stop();
    });

    /** A session longer than the tail, all of it persisted. */
    async function fill(): Promise<void> {
      await alice.create({ id: LONG, title: 'Long one' });
      let next = 2;
      const lane = async (): Promise<void> => {
        for (let n = next++; n <= HEAD; n = next++) {
          const { commandId } = await alice.send(LONG, `text ${n}`);
          await alice.persisted(LONG, commandId);
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    }

    test('P5: commands are accepted and read while it is away, and all of them are in it after', async () => {
      const sessionId = 'outage';
      const created = await alice.create({ id: sessionId, title: 'Outage' });
      const before = await alice.send(sessionId, 'before');
      for (const { commandId } of [created, before]) await alice.persisted(sessionId, commandId);
      await node.kill();
      const during = [await alice.send(sessionId, 'during'), await alice.edit(sessionId, before.entityId, 'edited')];
      const texts = (await readMessages(alice.http, sessionId)).map(({ text }) => text);
      expect(texts.toSorted((a, b) => a.localeCompare(b))).toEqual(['during', 'edited']);
      await node.start();
      for (const { commandId } of during) await alice.persisted(sessionId, commandId);
      const store = await openCassandraHistory({ settings, writes: false });
      const session = { tenant: 'default', sessionId };
      expect((await store.heldRanges(session, [[1, 100]])).ranges).toEqual([[1, 4]]);
      expect((await store.readMessages(session, [2, 3], 1e6)).map(({ text }) => text)).toEqual(['edited', 'during']);
      await store.close();
    });

    /** Only what the edge has let go of needs the store: it lets go a minute after it was persisted. */
    test(
      'P5: pages in the tail are served while it is away, older ones are 503 unavailable, and all is there after',
      { timeout: 300_000 },
      async () => {
        const at = async (query: string) => await alice.http.request('GET', `/v1/sessions/${LONG}/${query}`);
        const { events } = await readEvents(alice.http, LONG);
        const messages = await readMessages(alice.http, LONG);
        expect([events.length, messages.length]).toEqual([HEAD, HEAD - 1]);
        await node.kill();
        await until('the oldest events have left the edge', async () => (await at('events?limit=1')).status === 503, 150_000);

        const oldest = await at('events?limit=1');
        expect(answers.problem.parse(oldest.body)).toMatchObject({ status: 503, code: 'unavailable' });
        expect(Number(oldest.headers.get('retry-after'))).toBeGreaterThan(0);
        const newest = answers.messagesPage.parse((await at('messages?limit=100')).body);
        expect(newest.items).toEqual(messages.slice(0, 100));
        const tail: unknown[] = [];
        while (tail.length < TAIL_EVENTS_MIN) {
          const page = await at(`events?after=${OLDER + tail.length}&limit=1000`);
          tail.push(...answers.eventsPage.parse(page.body).items);
        }
        expect(tail).toEqual(events.slice(OLDER));
        let cursor = newest.nextCursor;
        const statuses: number[] = [];
        while (cursor !== undefined) {
          const page = await at(`messages?limit=100&before=${encodeURIComponent(cursor)}`);
          statuses.push(page.status);
          cursor = page.status === 200 ? answers.messagesPage.parse(page.body).nextCursor : undefined;
          // never a part of a page
          if (page.status !== 200) expect(answers.problem.parse(page.body).code).toBe('unavailable');
        }
        expect(statuses).toEqual([...Array<number>(9).fill(200), 503]);
        const sent = await alice.send(LONG, 'while it is away');

        await node.start();
        await alice.persisted(LONG, sent.commandId);
        expect((await readEvents(alice.http, LONG)).events.slice(0, HEAD)).toEqual(events);
        expect((await readMessages(alice.http, LONG)).slice(1)).toEqual(messages);
      },
    );
  },
);
