import { expect, test } from 'vitest';
import { acceptCount, commandCount } from '../../../../worker/metrics/counts.ts';
import type { ExecuteInput, Executed, Result } from '../../../../worker/session/api.ts';
import { meterOf } from '../../../../worker/session/meter.ts';

/** as much of an accepted command as a meter looks at */
const INPUT = { door: 'socket' } as ExecuteInput;
const ACCEPTED = { ok: true, value: { replayed: false, accepted: {} } } as Result<Executed>;

/** The commit of a command is durable when the test says so. */
function world(variables: { EDGE_METRICS?: string } = {}) {
  const commits: (() => void)[] = [];
  const works: Promise<unknown>[] = [];
  let nowMs = 1_000;
  const meter = meterOf(variables, {
    synced: () => new Promise((resolve) => commits.push(resolve)),
    background: (work) => void works.push(work),
    nowMs: () => nowMs,
  });
  return { meter, commits, works, pass: (ms: number) => void (nowMs += ms) };
}

test('a command is timed until its commit is durable, and those that come meanwhile share the next', async () => {
  const { meter, commits, works, pass } = world();
  for (let sent = 0; sent < 3; sent += 1) meter?.executed(INPUT, ACCEPTED, 1_000);
  expect(commits.length).toBe(1);
  expect(meter?.take()).toEqual({ [commandCount('socket', 'accepted')]: 3 });
  pass(4);
  commits[0]?.();
  await expect.poll(() => commits.length).toBe(2);
  commits[1]?.();
  await Promise.all(works);
  expect(meter?.take()).toMatchObject({ [acceptCount('socket', 2)]: 3 });
});

test('with EDGE_METRICS=off there is none', () => {
  expect(world({ EDGE_METRICS: 'off' }).meter).toBeUndefined();
  expect(world({ EDGE_METRICS: 'on' }).meter).toBeDefined();
});
