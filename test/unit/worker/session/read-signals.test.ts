import { expect, test } from 'vitest';
import type { SignalFrame } from '../../../../shared/contract/frames.ts';
import { ReadSignals } from '../../../../worker/session/read-signals.ts';

const frame = (id: string, seq: number): SignalFrame => ({
  type: 'signal',
  name: 'read',
  user: { id, kind: 'user' },
  data: { seq },
  at: '2026-01-01T00:00:00.000Z',
});

/** Time stands still until `pass`. */
function paced() {
  const told: string[] = [];
  const pauses: (() => void)[] = [];
  const settled: Promise<void>[] = [];
  const reads = new ReadSignals(
    {
      delay: async () => await new Promise<void>((resolve) => pauses.push(resolve)),
      background: (work) => settled.push(work),
    },
    ({ user, data }) => told.push(`${user.id} ${(data as { seq: number }).seq}`),
  );
  const pass = async (): Promise<void> => {
    pauses.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { reads, told, pauses, settled, pass };
}

test('a lone one goes at once, the next together: of each user the last', async () => {
  const { reads, told, pass, pauses, settled } = paced();
  reads.tell(frame('ann', 1));
  expect(told).toEqual(['ann 1']);
  for (const seq of [2, 3, 4]) reads.tell(frame('ann', seq));
  reads.tell(frame('ben', 2));
  expect(told).toEqual(['ann 1']);
  await pass();
  expect(told).toEqual(['ann 1', 'ann 4', 'ben 2']);
  await pass();
  // nobody waited: it no longer keeps the object awake, and a lone one goes at once again
  expect(pauses).toHaveLength(0);
  await Promise.all(settled);
  reads.tell(frame('ben', 9));
  expect(told.at(-1)).toBe('ben 9');
});

test('a crowd is told a hundred at a time, and no more than a thousand wait', async () => {
  const { reads, told, pass } = paced();
  for (let at = 0; at < 3_000; at += 1) reads.tell(frame(`user-${at}`, 1));
  expect(told).toHaveLength(1);
  const counts: number[] = [];
  for (let turn = 0; turn < 12; turn += 1) {
    const before = told.length;
    await pass();
    counts.push(told.length - before);
  }
  expect(counts).toEqual([...Array.from({ length: 10 }, () => 100), 0, 0]);
});
