import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pages } from '../../scripts/readme/pages.ts';
import { runBlocks } from '../../scripts/readme/runner.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
let stack: Stack;

requireOrSkip('nats-server', natsServerMissing())('what README and docs say to run', () => {
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(async () => {
    await stack?.stop();
  });

  test.each(pages(ROOT).filter(({ blocks }) => blocks.some(({ run }) => run.how !== 'not')))(
    '$file runs word for word',
    async ({ blocks }) => {
      const outcomes = await runBlocks(blocks, {
        root: ROOT,
        env: {
          MILLRACE_URL: stack.url,
          MILLRACE_NATS_URL: stack.nats,
          DATA_DIR: stack.dataDir,
          JWT_SECRET: stack.secrets.jwtSecret,
          // an install would pull the modules from under the tests that run
          MILLRACE_SKIP_INSTALL: '1',
        },
      });
      expect(outcomes.filter(({ result }) => result === 'failed').map(({ block, detail }) => `${block.line}: ${detail}`)).toEqual(
        [],
      );
      expect(outcomes.some(({ result }) => result === 'passed')).toBe(true);
    },
  );

  test('a block that fails is said to have failed', async () => {
    const [outcome] = await runBlocks(
      [{ file: 'x.md', line: 1, language: 'sh', text: 'echo before; false; echo after\n', run: { how: 'here' } }],
      { root: ROOT, env: {} },
    );
    expect(outcome).toMatchObject({ result: 'failed', detail: '1\nbefore\n' });
  });
});
