import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** matchers are of type any: so they are unknown, and no less a matcher */
const aString: unknown = expect.any(String);
const aFreshId: unknown = expect.stringMatching(/^hello-/);

let stack: Stack;

/** The block as a reader copies it: the first one after the marker, word for word. */
async function curlSession(): Promise<string> {
  const readme = await readFile(resolve(ROOT, 'README.md'), 'utf8');
  const block = /<!-- curl session -->\s*```sh\n([\s\S]*?)```/.exec(readme)?.[1];
  if (block === undefined) throw new Error('README.md has no ```sh block after <!-- curl session -->');
  return block;
}

function bash(script: string, env: Record<string, string>): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((settle) => {
    const child = spawn('bash', ['-c', script], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('close', (code) => settle({ code, stdout, stderr }));
  });
}

requireOrSkip('nats-server', natsServerMissing())("the README's curl session", () => {
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(async () => {
    await stack?.stop();
  });

  test('does what it says, word for word', async () => {
    const { code, stdout, stderr } = await bash(await curlSession(), {
      MILLRACE_URL: stack.url,
      DATA_DIR: stack.dataDir,
      JWT_SECRET: stack.secrets.jwtSecret,
      // the block calls the launcher, and an install would pull the modules from under the tests that run
      MILLRACE_SKIP_INSTALL: '1',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const answers: unknown[] = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line));
    expect(answers).toHaveLength(6);
    const [created, sent, repeated, page, status, log] = answers;
    expect(created).toMatchObject({ seq: 1, sessionId: aFreshId, acceptedAt: aString });
    expect(sent).toMatchObject({ seq: 2, commandId: aString, eventId: aString });
    expect(repeated, 'the same key is the same command').toEqual(sent);
    expect(page).toMatchObject({
      items: [{ seq: 2, text: 'The water is running.', author: { id: 'alice' }, status: 'completed' }],
    });
    expect(status).toMatchObject({
      status: 'persisted',
      seq: 2,
      publishedAt: aString,
      persistedAt: aString,
    });
    expect(log).toMatchObject({
      head: 2,
      items: [
        { type: 'session.created', seq: 1 },
        { type: 'message.created', seq: 2 },
      ],
    });
  });
});
