import { describe, expect, it } from 'vitest';
import { streamFinish } from '../../../../shared/core/commands/stream-finish.ts';
import { RunningStream } from '../../../../shared/core/running-stream.ts';
import { alice, bob, NOW_TIME, outcome, run } from '../fixtures.ts';
import { ann, MEMBERS, streaming } from '../streams.ts';

const completed = { messageId: 'm7', status: 'completed' as const };
const failed = { messageId: 'm7', status: 'failed' as const };
const textOf = (decision: ReturnType<typeof run>) =>
  decision.kind === 'accepted' && decision.event.type === 'message.created' && 'text' in decision.event.data
    ? decision.event.data.text
    : undefined;

describe('stream.finish', () => {
  it('makes the message of all chunks, with what the start said', () => {
    expect(run(streamFinish, streaming(['Ahoy', ' there']), ann, completed)).toEqual({
      kind: 'accepted',
      entityId: 'm7',
      author: { id: 'ann', name: 'Ann', kind: 'agent' },
      event: {
        type: 'message.created',
        subject: 'm7',
        data: {
          id: 'm7',
          ordinal: 2,
          text: 'Ahoy there',
          status: 'completed',
          role: 'assistant',
          name: 'Pilot',
          parentId: 'm1',
          mentions: [],
          metadata: { model: 'x' },
          createdAt: NOW_TIME,
          streamedMs: 400,
        },
      },
    });
  });

  it('takes the text that is given for the whole text', () => {
    expect(textOf(run(streamFinish, streaming(['Ah']), ann, { ...completed, text: ' Ahoy \n' }))).toBe(' Ahoy \n');
    expect(textOf(run(streamFinish, streaming(['Ah']), ann, { ...failed, text: '' }))).toBe('');
  });

  it('may be empty unless it is completed', () => {
    expect(outcome(run(streamFinish, streaming(), ann, completed))).toBe('message_empty');
    expect(outcome(run(streamFinish, streaming([' ', '\n']), ann, completed))).toBe('message_empty');
    expect(outcome(run(streamFinish, streaming(['Ahoy']), ann, { ...completed, text: ' ' }))).toBe('message_empty');
    expect(outcome(run(streamFinish, streaming(), ann, failed))).toBe('accepted');
    expect(outcome(run(streamFinish, streaming(), ann, { ...completed, text: 'Ahoy' }))).toBe('accepted');
  });

  it('completes nothing that is known to lack a chunk, unless the whole text is given', () => {
    const state = streaming(['Ahoy']);
    const stream = state.stream('m7');
    if (!(stream instanceof RunningStream)) throw new Error('it runs');
    stream.place(2, 'there');
    expect(run(streamFinish, state, ann, completed)).toMatchObject({ refusal: { code: 'stream_gap', expectedIndex: 1 } });
    expect(textOf(run(streamFinish, state, ann, { ...completed, text: 'Ahoy, there' }))).toBe('Ahoy, there');
    expect(textOf(run(streamFinish, state, ann, failed))).toBe('Ahoy');
  });

  it('is for who started the stream alone', () => {
    expect(outcome(run(streamFinish, streaming(['Ahoy']), alice, completed))).toBe('forbidden');
    expect(outcome(run(streamFinish, streaming(['Ahoy']), bob, completed))).toBe('forbidden');
  });

  it('is also for who is a viewer meanwhile, and not for who left', () => {
    const demoted = streaming(['Ahoy'], { members: { ...MEMBERS, ann: 'viewer' } });
    expect(outcome(run(streamFinish, demoted, ann, completed))).toBe('accepted');
    const { ann: _left, ...others } = MEMBERS;
    const left = streaming(['Ahoy'], { members: others, session: { visibility: 'public' } });
    expect(outcome(run(streamFinish, left, ann, completed))).toBe('forbidden');
  });

  it('knows a stream that ended from one that never was', () => {
    expect(outcome(run(streamFinish, streaming(['Ahoy'], { ended: true }), ann, completed))).toBe('stream_ended');
    expect(outcome(run(streamFinish, streaming(), ann, { ...completed, messageId: 'm9' }))).toBe('stream_not_found');
  });

  it('is allowed while the session is archived', () => {
    expect(streamFinish.whileArchived).toBe(true);
  });
});
