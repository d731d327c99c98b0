import { describe, expect, it } from 'vitest';
import { applyReactionAdded } from '../../../../shared/core/events/reaction.ts';
import { eventOf, stateWith } from '../fixtures.ts';

const data = { messageId: 'm1', messageSeq: 2, emoji: '👍', userId: 'bob' };

describe('reaction.added', () => {
  it('makes a row', () => {
    const state = stateWith({ messages: [{}] });
    applyReactionAdded(state, eventOf('reaction.added', data, { seq: 9 }));
    expect(state.reaction(2, '👍', 'bob')).toEqual({ messageSeq: 2, emoji: '👍', userId: 'bob', seq: 9 });
    expect(state.reactionCounts(2)).toEqual({ reactions: 1, emojis: 1 });
  });

  it('makes none for a message that was deleted, or whose creation was erased', () => {
    for (const state of [stateWith(), stateWith({ messages: [{ deletedAt: 1 }] })]) {
      applyReactionAdded(state, eventOf('reaction.added', data));
      expect(state.reactions.size).toBe(0);
    }
  });
});
