import { describe, expect, test } from 'vitest';
import { STREAM_REORDER_CHUNKS_MAX } from '../../../../shared/core/limits.ts';
import { UnstartedChunks } from '../../../../worker/session/unstarted-chunks.ts';

const NOW = 1_000_000;
const indexes = (chunks: readonly { index: number }[]) => chunks.map(({ index }) => index);

describe('chunks before their start', () => {
  test('are given to who sent them, once', () => {
    const early = new UnstartedChunks();
    early.add('m7', 'ann', { index: 1, text: 'b' }, NOW);
    early.add('m7', 'ann', { index: 0, text: 'a' }, NOW + 1);
    expect(indexes(early.take('m7', 'ann', NOW + 2))).toEqual([1, 0]);
    expect(early.take('m7', 'ann', NOW + 2)).toEqual([]);
  });

  test('of another are not', () => {
    const early = new UnstartedChunks();
    early.add('m7', 'bob', { index: 0, text: 'x' }, NOW);
    expect(early.take('m7', 'ann', NOW)).toEqual([]);
    early.add('m7', 'bob', { index: 0, text: 'x' }, NOW);
    early.add('m7', 'ann', { index: 0, text: 'a' }, NOW);
    expect(early.take('m7', 'ann', NOW)).toEqual([{ index: 0, text: 'a' }]);
  });

  test('are not waited for longer than a start may take', () => {
    const early = new UnstartedChunks();
    early.add('m7', 'ann', { index: 0, text: 'a' }, NOW);
    expect(early.take('m7', 'ann', NOW + 5_000)).toEqual([]);
  });

  test('are bounded in number, in text and in streams', () => {
    const early = new UnstartedChunks();
    for (let index = 0; index < 100; index += 1) early.add('m1', 'ann', { index, text: 'a' }, NOW);
    expect(early.take('m1', 'ann', NOW)).toHaveLength(STREAM_REORDER_CHUNKS_MAX);
    for (let index = 0; index < 5; index += 1) early.add('m2', 'ann', { index, text: 'a'.repeat(20_000) }, NOW);
    expect(early.take('m2', 'ann', NOW)).toHaveLength(2);
    for (let at = 0; at < 17; at += 1) early.add(`s${at}`, 'ann', { index: 0, text: 'a' }, NOW);
    expect([early.take('s0', 'ann', NOW).length, early.take('s1', 'ann', NOW).length]).toEqual([0, 1]);
  });
});
