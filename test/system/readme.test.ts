import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Block } from '../../scripts/readme/blocks.ts';
import { pages } from '../../scripts/readme/pages.ts';
import { runBlocks } from '../../scripts/readme/runner.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const toRun = pages(ROOT).filter(({ blocks }) => blocks.some(({ run }) => run.how !== 'not'));
const usesPython = ({ blocks }: { blocks: readonly Block[] }): boolean => blocks.some(({ text }) => text.includes('python3'));
let stack: Stack;

function pythonMissing(): string | undefined {
  return spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0 ? undefined : 'Python 3 with venv is not installed';
}

async function runAll(blocks: readonly Block[]): Promise<void> {
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
  expect(outcomes.filter(({ result }) => result === 'failed').map(({ block, detail }) => `${block.line}: ${detail}`)).toEqual([]);
  expect(outcomes.some(({ result }) => result === 'passed')).toBe(true);
}

requireOrSkip('nats-server', natsServerMissing())('what README and docs say to run', () => {
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(async () => {
    await stack?.stop();
  });

  test.each(toRun.filter((page) => !usesPython(page)))('$file runs word for word', async ({ blocks }) => runAll(blocks));

  requireOrSkip('python3', pythonMissing())('with Python', () => {
    test.each(toRun.filter(usesPython))('$file runs word for word', async ({ blocks }) => runAll(blocks));
  });

  test('a block that fails is said to have failed', async () => {
    const [outcome] = await runBlocks(
      [{ file: 'x.md', line: 1, language: 'sh', text: 'echo before; false; echo after\n', run: { how: 'here' } }],
      { root: ROOT, env: {} },
    );
    expect(outcome).toMatchObject({ result: 'failed', detail: '1\nbefore\n' });
  });
});
