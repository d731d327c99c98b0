import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, until, type Stack } from '../support/stack.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MESSAGES = 400;
const SESSIONS = ['quay', 'weir', 'lock'];
const AUTHORS = ['ada', 'bo', 'cy'];
const createdAt = (index: number): string => new Date(Date.UTC(2019, 4, 1) + index * 61_000).toISOString();

/** Ids, authors, times and replies of a made-up old system; every third message is of somebody who is not listed as a member. */
function exported(): object[] {
  const sessions = SESSIONS.map((id) => ({ type: 'session', id, title: `At the ${id}`, owner: 'ada', visibility: 'private' }));
  const members = SESSIONS.map((session) => ({ type: 'member', session, user: 'bo', role: 'viewer' }));
  const promoted = SESSIONS.map((session) => ({ type: 'member', session, user: 'bo', role: 'member' }));
  const messages = Array.from({ length: MESSAGES }, (_none, index) => ({
    type: 'message',
    session: SESSIONS[index % SESSIONS.length],
    id: `old-${index}`,
    author: AUTHORS[Math.floor(index / SESSIONS.length) % AUTHORS.length],
    text: `Line ${index}\nof 2019`,
    createdAt: createdAt(index),
    ...(index >= SESSIONS.length * 2 && index % 5 === 0 ? { parentId: `old-${index - SESSIONS.length}` } : {}),
  }));
  const agent = { type: 'message', session: 'quay', id: 'bot-1', author: 'bot', authorKind: 'agent', role: 'assistant' };
  return [
    ...sessions,
    ...members,
    ...promoted,
    ...messages,
    { ...agent, name: 'Bot', text: 'I was there too.', createdAt: createdAt(MESSAGES) },
    { type: 'reaction', session: 'quay', message: 'old-0', user: 'cy', emoji: '👍' },
    { type: 'member', session: 'weir', user: 'cy', role: 'left' },
  ];
}

interface Report {
  sent: Record<string, number>;
  there: number;
  skipped: number;
  refused: number;
  named: { line: number; why: string }[];
}

interface Message {
  id: string;
  author: { id: string };
  text: string;
  createdAt: string;
  parentId?: string;
}

requireOrSkip('nats-server', natsServerMissing())('npm run import', () => {
  let stack: Stack;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-import-'));
  const file = join(folder, 'export.ndjson');
  const write = (lines: readonly object[], to = file): void =>
    writeFileSync(to, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(async () => {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(path = file) {
    const args = ['scripts/import/main.ts', path, '--json', '--url', stack.url, '--data-dir', stack.dataDir];
    const child = spawn(process.execPath, args, { cwd: ROOT, env: { PATH: process.env['PATH'] } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<{ code: number | null; report: Report; stderr: string }>((settle) => {
      child.once('close', (code) => settle({ code, report: JSON.parse(stdout || '{}') as Report, stderr }));
    });
    return { child, ended };
  }

  async function get(path: string): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${stack.url}${path}`, { headers: { Authorization: `Bearer ${await stack.token('ada')}` } });
    return { status: response.status, body: await response.json() };
  }

  async function messagesOf(session: string): Promise<Message[]> {
    const all: Message[] = [];
    for (let before = ''; ;) {
      const page = (await get(`/v1/sessions/${session}/messages?limit=100${before}`)).body as {
        items: Message[];
        nextCursor?: string;
      };
      all.unshift(...page.items.toReversed());
      if (page.nextCursor === undefined) return all;
      before = `&before=${encodeURIComponent(page.nextCursor)}`;
    }
  }

  async function expectImported(): Promise<void> {
    for (const session of SESSIONS) {
      const expected = exported().filter(
        (line): line is Message & { type: string; session: string; author: unknown } =>
          'session' in line && line.session === session && 'type' in line && line.type === 'message',
      );
      const found = await messagesOf(session);
      expect(
        found.map(({ id, author, text, createdAt: at, parentId }) => ({ id, author: author.id, text, at, parentId })),
      ).toEqual(expected.map(({ id, author, text, createdAt: at, parentId }) => ({ id, author, text, at, parentId })));
    }
  }

  it('a mistake in the last line is named, and nothing is sent', async () => {
    write([...exported(), { type: 'message', session: 'nowhere', id: 'x', author: 'ada', text: 'x', createdAt: createdAt(0) }]);
    const { code, stderr } = await run().ended;
    expect(code).toBe(2);
    expect(stderr).toBe(`import: line ${exported().length + 1}: the session nowhere has no line of its own above\n`);
    expect((await get('/v1/sessions/quay')).status).toBe(404);
  });

  it('P1 keeps ids, authors, times, order and threads, though it is killed in between', { timeout: 120_000 }, async () => {
    write(exported());
    const first = run();
    await until('some of it is there', async () => (await get('/v1/sessions/lock/messages/old-29')).status === 200, 60_000);
    first.child.kill('SIGKILL');
    await first.ended;
    const { code, report, stderr } = await run().ended;
    expect(code, stderr).toBe(0);
    expect(report.refused).toBe(0);
    await expectImported();
    const { items } = (await get('/v1/sessions/weir/members')).body as { items: { user: { id: string } }[] };
    expect(items.map(({ user }) => user.id).toSorted()).toEqual(['ada', 'bo']);
    expect((await get('/v1/sessions/quay/messages/old-0')).body).toMatchObject({ reactions: [{ emoji: '👍', userIds: ['cy'] }] });
  });

  it('again it sends nothing, and another export finds what is there by its ids', { timeout: 120_000 }, async () => {
    const again = await run().ended;
    expect(again).toMatchObject({ code: 0, report: { skipped: exported().length, there: 0, refused: 0 } });
    const other = join(folder, 'other.ndjson');
    write(
      exported().toSpliced(-1, 0, {
        type: 'message',
        session: 'quay',
        id: 'old-1',
        author: 'ada',
        text: 'x',
        createdAt: createdAt(0),
      }),
      other,
    );
    const { code, report } = await run(other).ended;
    expect(code).toBe(0);
    expect(report.sent['message']).toBe(1);
    // one session has a message of that id already, and quay did not
    expect((await messagesOf('quay')).filter(({ id }) => id === 'old-1')).toHaveLength(1);
  });

  it('names what is refused, and goes on', { timeout: 60_000 }, async () => {
    const path = join(folder, 'refused.ndjson');
    const line = { type: 'message', session: 'sluice', author: 'ada', createdAt: createdAt(0) };
    write(
      [
        { type: 'session', id: 'sluice', title: 'Sluice', owner: 'ada' },
        { ...line, id: 'a', text: '   ' },
        { ...line, id: 'b', text: 'fine' },
      ],
      path,
    );
    const { code, report } = await run(path).ended;
    expect(code).toBe(1);
    expect(report).toMatchObject({ refused: 1, sent: { message: 1, session: 1 } });
    expect(report.named).toMatchObject([{ line: 2, why: expect.stringContaining('message_empty') as string }]);
  });
});
