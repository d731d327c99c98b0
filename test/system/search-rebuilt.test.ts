import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { consumersEnvironment } from '../../scripts/supervisor/parts.ts';
import { naiveScan, naiveWords, randomPhrases, type SaidThing } from '../contracts/search-meetings.ts';
import { answers, until, User } from '../support/client.ts';
import { generateMeetings } from '../support/meetings.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { openSearchMissing, sharedOpenSearch, type SharedOpenSearch } from '../support/shared-opensearch.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const SEED = 20260108;
const INDEX = 'rebuilt';
const PHRASES = 200;
/** commands of one user at once */
const IN_FLIGHT = 64;
const REBUILD_MS_MAX = 120_000;

const page = z.looseObject({
  items: z.array(z.looseObject({ message: z.looseObject({ id: z.string(), sessionId: z.string() }) })),
  total: z.int(),
  nextCursor: z.string().optional(),
});

requireOrSkip('nats-server and OpenSearch', natsServerMissing() ?? (await openSearchMissing()))('search in OpenSearch', () => {
  let node: SharedOpenSearch;
  let stack: Stack;
  let alice: User;
  const said: SaidThing[] = [];

  beforeAll(async () => {
    node = await sharedOpenSearch();
    const limits = { LIMIT_COMMANDS_PER_S: '100000', LIMIT_COMMANDS_BURST: '100000' };
    stack = await startStack({ env: { ...node.variables(INDEX), ...limits } });
    alice = new User(stack.url, await stack.token('alice'));
  });
  afterAll(async () => {
    await alice?.close();
    await stack?.stop();
  });

  async function say(sessionId: string, text: string): Promise<void> {
    const { entityId } = await alice.send(sessionId, text);
    said.push({ key: `${sessionId}/${entityId}`, words: naiveWords(text) });
  }

  async function ask(q: string, cursor = ''): Promise<z.infer<typeof page>> {
    const query = new URLSearchParams({ q, limit: '100', ...(cursor === '' ? {} : { cursor }) });
    return page.parse((await alice.get(`/v1/search?${query.toString()}`)).body);
  }

  async function find(q: string): Promise<{ keys: string[]; total: number }> {
    const keys: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const found = await ask(q, cursor);
      keys.push(...found.items.map(({ message }) => `${message.sessionId}/${message.id}`));
      cursor = found.nextCursor;
      if (cursor === undefined) return { keys, total: found.total };
    }
    throw new Error('a page without an end');
  }

  /** Every word that was said, and random phrases, as a naive scan finds them. */
  async function expectAllFound(): Promise<void> {
    const vocabulary = [...new Set(said.flatMap(({ words }) => words))];
    for (const words of [...vocabulary.map((word) => [word]), ...randomPhrases(said, PHRASES, SEED)]) {
      const expected = naiveScan(said, words);
      const { keys, total } = await find(`"${words.join(' ')}"`);
      expect([words, total, keys.toSorted()]).toEqual([words, expected.length, expected.toSorted()]);
    }
  }

  /** Until the index has the newest of all. */
  async function caughtUp(): Promise<void> {
    const word = `w${crypto.randomUUID().replaceAll('-', '')}`;
    await say('meeting-0', word);
    await until('the index has the newest message', async () => (await ask(word)).total === 1, 60_000);
  }

  function run(program: string, ...args: string[]): Promise<{ code: number | null; told: string }> {
    const env = { ...consumersEnvironment(stack.settings, stack.secrets), PATH: process.env['PATH'] };
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../consumers', program), ...args], { env });
    let told = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (told += chunk.toString()));
    return new Promise((ended) => child.once('close', (code) => ended({ code, told })));
  }

  test('finds in eight meetings what a naive scan finds: every word, and 200 random phrases', { timeout: 180_000 }, async () => {
    const meetings = generateMeetings(SEED);
    await Promise.all(meetings.map((_, at) => alice.create({ id: `meeting-${at}`, title: `Meeting ${at}` })));
    const lines = meetings.flatMap(({ messages }, at) => messages.map(([, , text]) => ({ sessionId: `meeting-${at}`, text })));
    const next = lines.values();
    const lane = async (): Promise<void> => {
      for (const { sessionId, text } of next) await say(sessionId, text);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    expect(said).toHaveLength(lines.length);
    await caughtUp();
    await until('all is in the index', async () => (await ask('the')).total === naiveScan(said, ['the']).length);
    await expectAllFound();
  });

  test(
    'P1: while the index is away commands are accepted and search is 503; all of it is found after',
    { timeout: 120_000 },
    async () => {
      await node.kill();
      await say('meeting-1', 'while away');
      const refused = await alice.http.request('GET', '/v1/search?q=review');
      expect(answers.problem.parse(refused.body)).toMatchObject({ status: 503, code: 'unavailable' });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      await node.start();
      await until('what was said meanwhile is found', async () => {
        const reply = await alice.http.request('GET', '/v1/search?q=%22while%20away%22');
        return reply.status === 200 && page.parse(reply.body).total === 1;
      });
    },
  );

  test(
    'P1: the index is deleted, and made anew under load: results as before, and not one command refused',
    { timeout: 240_000 },
    async () => {
      const gone = await fetch(`${node.url}/${INDEX}-000001`, { method: 'DELETE' });
      expect(gone.status).toBe(200);
      const over = new AbortController();
      let sent = 0;
      const load = (async () => {
        // whatever is refused throws
        for (; !over.signal.aborted; sent += 1) await say(`meeting-${sent % 8}`, `under load ${sent}`);
      })();
      const isAway = async (): Promise<boolean> => (await alice.http.request('GET', '/v1/search?q=review')).status === 503;
      await until('search is 503', isAway);
      // what starts now could make an index of what comes from now on, and nobody would know what it lacks
      stack.kill('consumers');
      await until('it says what to do', () => stack.logs('consumers').some((line) => line.includes('the search index is gone')));
      expect(await isAway()).toBe(true);
      const timer = setTimeout(() => over.abort(), REBUILD_MS_MAX);
      const rebuilt = await run('rebuild.ts', 'search').finally(() => over.abort());
      clearTimeout(timer);
      await load;
      expect(rebuilt, rebuilt.told).toMatchObject({ code: 0 });
      expect(sent).toBeGreaterThan(100);
      await caughtUp();
      await until(
        'all is in the index',
        async () => (await ask('under load')).total === naiveScan(said, ['under', 'load']).length,
      );
      await expectAllFound();
      expect(Object.keys((await (await fetch(`${node.url}/_alias/${INDEX}`)).json()) as object)).toEqual([`${INDEX}-000002`]);
      const audited = await run('audit/main.ts');
      expect(audited, audited.told).toMatchObject({ code: 0 });
    },
  );
});
