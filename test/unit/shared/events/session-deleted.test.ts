import { describe, expect, it } from 'vitest';
import { applySessionDeleted } from '../../../../shared/core/events/session.ts';
import { eventOf, NOW_MS, sessionRecord, stateWith } from '../fixtures.ts';

describe('session.deleted', () => {
  it('erases every event below itself, the messages, and what people wrote about the session', () => {
    const state = stateWith({
      messages: [{}, { id: 'm2', seq: 3, ordinal: 2 }],
      reactions: [{ emoji: '👍', userId: 'bob' }],
      traces: [{}],
      spans: [{}],
      head: 4,
    });
    applySessionDeleted(state, eventOf('session.deleted', {}, { seq: 5 }));
    expect([...state.erased]).toEqual([1, 2, 3, 4]);
    expect([state.messages.size, state.reactions.size, state.traces.size, state.spans.size]).toEqual([0, 0, 0, 0]);
    expect(state.session()).toEqual({
      ...sessionRecord(),
      status: 'deleted',
      title: '',
      description: '',
      metadata: {},
      updatedAt: NOW_MS,
    });
  });
});
