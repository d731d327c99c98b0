import { describe, expect, it } from 'vitest';
import { applyReactionRemoved } from '../../../../shared/core/events/reaction.ts';
import { eventOf, stateWith } from '../fixtures.ts';

describe('reaction.removed', () => {
  it('ends the row of this message, emoji and user, and no other', () => {
    const others = [
      { emoji: '👍', userId: 'alice' },
      { emoji: '👎', userId: 'bob' },
    ];
    const state = stateWith({ messages: [{}], reactions: [{ emoji: '👍', userId: 'bob' }, ...others] });
    applyReactionRemoved(state, eventOf('reaction.removed', { messageId: 'm1', messageSeq: 2, emoji: '👍', userId: 'bob' }));
    expect(state.reaction(2, '👍', 'bob')).toBeUndefined();
    expect(state.reactionCounts(2)).toEqual({ reactions: 2, emojis: 2 });
  });
});
