import { describe, expect, it } from 'vitest';
import { reactionRemove } from '../../../../shared/core/commands/reaction-remove.ts';
import { alice, bob, carol, outcome, run, stateWith } from '../fixtures.ts';

const data = { messageId: 'm1', emoji: '👍' };
const withBobs = () => stateWith({ messages: [{}], reactions: [{ emoji: '👍', userId: 'bob' }] });

describe('reaction.remove', () => {
  it('says what row it ends', () => {
    expect(run(reactionRemove, withBobs(), bob, data)).toEqual({
      kind: 'accepted',
      entityId: 'm1',
      event: {
        type: 'reaction.removed',
        subject: 'm1',
        data: { messageId: 'm1', messageSeq: 2, emoji: '👍', userId: 'bob' },
      },
    });
  });

  it('is unchanged where there is none of one’s own', () => {
    expect(run(reactionRemove, withBobs(), alice, data)).toEqual({ kind: 'unchanged', entityId: 'm1' });
    expect(outcome(run(reactionRemove, withBobs(), bob, { ...data, emoji: '👎' }))).toBe('unchanged');
  });

  it('is for members who may write', () => {
    expect(outcome(run(reactionRemove, withBobs(), carol, data))).toBe('forbidden');
  });

  it('does not find a message that never was, or was deleted', () => {
    expect(outcome(run(reactionRemove, stateWith(), bob, data))).toBe('message_not_found');
    expect(outcome(run(reactionRemove, stateWith({ messages: [{ deletedAt: 1 }] }), bob, data))).toBe('message_not_found');
  });

  it('is not allowed while the session is archived', () => {
    expect(reactionRemove.whileArchived).toBe(false);
  });
});
