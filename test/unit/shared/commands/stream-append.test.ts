import { describe, expect, it } from 'vitest';
import { streamAppend } from '../../../../shared/core/commands/stream-append.ts';
import { STREAM_CHUNKS_MAX, TEXT_CODE_POINTS_MAX } from '../../../../shared/core/limits.ts';
import { alice, bob, carol, outcome, run } from '../fixtures.ts';
import { ann, MEMBERS, streaming } from '../streams.ts';

const chunk = (index: number, text: string) => ({ messageId: 'm7', index, text });

describe('stream.append', () => {
  it('is noted when it is the next', () => {
    const decision = run(streamAppend, streaming(['one']), ann, chunk(1, ' two'));
    expect(decision).toEqual({ kind: 'noted', entityId: 'm7', note: { kind: 'chunk', ...chunk(1, ' two') } });
  });

  it('is idempotent by its index: the same text changes nothing, another conflicts', () => {
    const state = streaming(['one', ' two']);
    expect(run(streamAppend, state, ann, chunk(0, 'one'))).toEqual({ kind: 'unchanged', entityId: 'm7' });
    expect(outcome(run(streamAppend, state, ann, chunk(1, ' two')))).toBe('unchanged');
    expect(outcome(run(streamAppend, state, ann, chunk(0, 'One')))).toBe('conflict');
  });

  it('tells which chunk comes next when there is a hole', () => {
    const decision = run(streamAppend, streaming(['one']), ann, chunk(3, 'four'));
    expect(decision).toMatchObject({ kind: 'refused', refusal: { code: 'stream_gap', expectedIndex: 1 } });
  });

  it('is for who started the stream alone, also when it ended', () => {
    for (const state of [streaming(), streaming([], { ended: true })]) {
      expect(outcome(run(streamAppend, state, alice, chunk(0, 'one')))).toBe('forbidden');
      expect(outcome(run(streamAppend, state, bob, chunk(0, 'one')))).toBe('forbidden');
      expect(outcome(run(streamAppend, state, carol, chunk(0, 'one')))).toBe('forbidden');
    }
  });

  it('is also for who is a viewer meanwhile, and not for who left', () => {
    const demoted = streaming([], { members: { ...MEMBERS, ann: 'viewer' } });
    expect(outcome(run(streamAppend, demoted, ann, chunk(0, 'one')))).toBe('noted');
    const { ann: _left, ...others } = MEMBERS;
    const left = streaming([], { members: others, session: { visibility: 'public' } });
    expect(outcome(run(streamAppend, left, ann, chunk(0, 'one')))).toBe('forbidden');
  });

  it('knows a stream that ended from one that never was', () => {
    expect(outcome(run(streamAppend, streaming(['one'], { ended: true }), ann, chunk(1, 'two')))).toBe('stream_ended');
    expect(outcome(run(streamAppend, streaming(['one'], { ended: true }), ann, chunk(0, 'one')))).toBe('stream_ended');
    expect(outcome(run(streamAppend, streaming(), ann, { messageId: 'm9', index: 0, text: 'one' }))).toBe('stream_not_found');
    expect(outcome(run(streamAppend, streaming(), bob, { messageId: 'm1', index: 0, text: 'one' }))).toBe('stream_not_found');
  });

  it('holds the whole text to the length of a message, in code points', () => {
    const state = streaming(['🦉'.repeat(TEXT_CODE_POINTS_MAX - 2), 'a']);
    expect(outcome(run(streamAppend, state, ann, chunk(2, '🦉')))).toBe('noted');
    expect(outcome(run(streamAppend, state, ann, chunk(2, 'bc')))).toBe('message_too_long');
  });

  it('may be empty, as what a model says may be, but not without end', () => {
    expect(outcome(run(streamAppend, streaming(['one', '']), ann, chunk(2, '')))).toBe('noted');
    const full = streaming(Array.from({ length: STREAM_CHUNKS_MAX - 1 }, () => ''));
    expect(outcome(run(streamAppend, full, ann, chunk(STREAM_CHUNKS_MAX - 1, '')))).toBe('noted');
    full.appendChunk('m7', '');
    expect(outcome(run(streamAppend, full, ann, chunk(STREAM_CHUNKS_MAX, '')))).toBe('message_too_long');
  });

  it('is allowed while the session is archived', () => {
    expect(streamAppend.whileArchived).toBe(true);
  });
});
