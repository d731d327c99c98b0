import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { until } from '../support/client.ts';
import { type Replay, replay } from '../support/replay-process.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { startTamperingProxy } from '../support/tampering-proxy.ts';
import { generateTranscripts } from '../support/transcripts.ts';

const SEED = 20260107;

const result = z.looseObject({
  ok: z.boolean(),
  totals: z.looseObject({
    sent: z.int(),
    accepted: z.int(),
    clean: z.int(),
    differences: z.int(),
    sockets: z.int(),
    deliveries: z.int(),
  }),
  sessions: z.array(
    z.looseObject({
      sessionId: z.string(),
      head: z.int(),
      differences: z.array(z.object({ aspect: z.string(), what: z.string() })),
    }),
  ),
});

let stack: Stack;
let folder: string;

function run(args: readonly string[]): Replay {
  return replay(args, stack.dataDir);
}

async function transcriptFile(name: string, sessions: number, messagesEach: number): Promise<string> {
  const file = join(folder, name);
  await writeFile(
    file,
    generateTranscripts(SEED, sessions, messagesEach)
      .map((each) => JSON.stringify(each))
      .join('\n'),
  );
  return file;
}

requireOrSkip('nats-server', natsServerMissing())('npm run replay', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-replay-'));
    stack = await startStack();
  });
  afterAll(async () => {
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('P1, P2, P3, P4: all is complete while nats-server is killed once and the consumers twice', async () => {
    const file = await transcriptFile('talks.jsonl', 4, 300);
    const played = run([file, '--url', stack.url, '--times', '2', '--rate', '100', '--json']);
    await until('replay has begun', () => played.played() > 200);
    for (const part of ['consumers', 'nats', 'consumers'] as const) {
      const before = played.played();
      const { [part]: pid } = stack.pids();
      stack.kill(part, 'SIGKILL');
      await until(
        `${part} runs again and replay went on`,
        () => played.played() > before && ![undefined, pid].includes(stack.pids()[part]),
      );
    }
    const { code, stdout, stderr } = await played.ended;
    const { ok, totals, sessions } = result.parse(JSON.parse(stdout));
    expect(sessions.flatMap((each) => each.differences)).toEqual([]);
    expect({ code, ok }, stderr).toEqual({ code: 0, ok: true });
    expect(totals).toMatchObject({ sent: 2_400, accepted: 2_400, clean: 4, differences: 0 });
    expect(sessions.map((each) => each.head)).toEqual([601, 601, 601, 601]);
    expect(stack.said.filter((line) => /died/.test(line)).length).toBe(3);
  });

  test('a planted difference gives exit code 1 and is named', async () => {
    const file = await transcriptFile('short.jsonl', 2, 30);
    const proxy = await startTamperingProxy(stack.url, (path, body) =>
      path.includes('/messages?') ? body.replace('kept', 'lost') : body,
    );
    const { code, stdout, stderr } = await run([file, '--url', proxy.url, '--door', 'http']).ended;
    await proxy.close();
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(/complete: message \d+ of .*: its page has another text: .*spaces lost/);
    expect(stdout).toMatch(/of 2 sessions are as they should be/);
  });

  test('the same through a proxy that changes nothing gives exit code 0', async () => {
    const file = await transcriptFile('short.jsonl', 2, 30);
    const proxy = await startTamperingProxy(stack.url, (_path, body) => body);
    const { code, stdout } = await run([file, '--url', proxy.url, '--in-flight', '1', '--door', 'socket']).ended;
    await proxy.close();
    expect(stdout).toMatch(/2 of 2 sessions complete, in order, persisted, and the same on every socket and over HTTP/);
    expect(code).toBe(0);
  });

  test.each([
    ['no file', ['/nonexistent/file'], /ENOENT/],
    ['no system', ['FILE', '--url', 'http://127.0.0.1:9'], /no system at http:\/\/127\.0\.0\.1:9 .*npm start/],
    ['a bad setting', ['FILE', '--times', '0'], /whole number of at least 1/],
  ])('with %s it says so in one line and gives exit code 2', async (_name, args, line) => {
    const file = await transcriptFile('short.jsonl', 1, 2);
    const { code, stderr } = await run(['--url', stack.url, ...args.map((each) => (each === 'FILE' ? file : each))]).ended;
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(line)]);
    expect(code).toBe(2);
  });
});
