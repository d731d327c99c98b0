import { describe, expect, it } from 'vitest';
import { applyMessageDeleted } from '../../../../shared/core/events/message.ts';
import { eventOf, messageRecord, NOW_MS, NOW_TIME, stateWith } from '../fixtures.ts';

const data = { id: 'm1', messageSeq: 2, author: 'bob', role: 'user' as const, mentions: [], createdAt: NOW_TIME };

describe('message.deleted', () => {
  it('keeps the row, so that the id stays taken, and erases its creation and every edit', () => {
    const state = stateWith({ messages: [{ mentions: ['alice'], updatedSeqs: [3, 5] }] });
    applyMessageDeleted(state, eventOf('message.deleted', data, { seq: 9, clock: '77' }));
    expect(state.message('m1')).toEqual({ ...messageRecord(), deletedAt: NOW_MS, clock: '77', textBytes: 0 });
    expect([...state.erased]).toEqual([2, 3, 5]);
  });

  it('drops the reactions, and no other message’s', () => {
    const state = stateWith({ messages: [{}, { id: 'm2', seq: 4 }], reactions: [{ emoji: '👍', userId: 'alice' }] });
    state.putReaction({ messageSeq: 4, emoji: '👍', userId: 'alice', seq: 5 });
    applyMessageDeleted(state, eventOf('message.deleted', data));
    expect([state.reactionCounts(2).reactions, state.reactionCounts(4).reactions]).toEqual([0, 1]);
  });

  it('changes nothing where its message.created was erased', () => {
    const state = stateWith();
    applyMessageDeleted(state, eventOf('message.deleted', data));
    expect(state.messages.size).toBe(0);
    expect(state.erased.size).toBe(0);
  });
});
