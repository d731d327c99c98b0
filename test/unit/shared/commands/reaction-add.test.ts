import { describe, expect, it } from 'vitest';
import { reactionAdd } from '../../../../shared/core/commands/reaction-add.ts';
import { MESSAGE_EMOJIS_MAX, MESSAGE_REACTIONS_MAX } from '../../../../shared/core/limits.ts';
import { alice, bob, carol, dave, outcome, run, stateWith } from '../fixtures.ts';

const data = { messageId: 'm1', emoji: '👍' };

describe('reaction.add', () => {
  it('says what row it makes', () => {
    expect(run(reactionAdd, stateWith({ messages: [{}] }), bob, data)).toEqual({
      kind: 'accepted',
      entityId: 'm1',
      event: {
        type: 'reaction.added',
        subject: 'm1',
        data: { messageId: 'm1', messageSeq: 2, emoji: '👍', userId: 'bob' },
      },
    });
  });

  it('is unchanged where it is there, and by message, emoji and user', () => {
    const state = stateWith({ messages: [{}, { id: 'm2', seq: 3 }], reactions: [{ emoji: '👍', userId: 'bob' }] });
    expect(run(reactionAdd, state, bob, data)).toEqual({ kind: 'unchanged', entityId: 'm1' });
    expect(outcome(run(reactionAdd, state, alice, data))).toBe('accepted');
    expect(outcome(run(reactionAdd, state, bob, { ...data, emoji: '👎' }))).toBe('accepted');
    expect(outcome(run(reactionAdd, state, bob, { ...data, messageId: 'm2' }))).toBe('accepted');
  });

  it('is for members who may write', () => {
    expect(outcome(run(reactionAdd, stateWith({ messages: [{}] }), carol, data))).toBe('forbidden');
    const open = stateWith({ session: { visibility: 'public' }, messages: [{}] });
    expect(outcome(run(reactionAdd, open, dave, data))).toBe('forbidden');
  });

  it('does not find a message that never was, or was deleted', () => {
    expect(outcome(run(reactionAdd, stateWith(), bob, data))).toBe('message_not_found');
    expect(outcome(run(reactionAdd, stateWith({ messages: [{ deletedAt: 1 }] }), bob, data))).toBe('message_not_found');
  });

  it('is bounded by different emoji, of which one more user is none', () => {
    const reactions = Array.from({ length: MESSAGE_EMOJIS_MAX }, (_, at) => ({ emoji: `:e${at}:`, userId: 'alice' }));
    const state = stateWith({ messages: [{}], reactions });
    expect(outcome(run(reactionAdd, state, bob, data))).toBe('conflict');
    expect(outcome(run(reactionAdd, state, bob, { ...data, emoji: ':e0:' }))).toBe('accepted');
    expect(outcome(run(reactionAdd, state, alice, { ...data, emoji: ':e0:' }))).toBe('unchanged');
  });

  it('is bounded by reactions', () => {
    const reactions = Array.from({ length: MESSAGE_REACTIONS_MAX }, (_, at) => ({ emoji: '👍', userId: `u${at}` }));
    expect(outcome(run(reactionAdd, stateWith({ messages: [{}], reactions }), bob, data))).toBe('conflict');
    expect(outcome(run(reactionAdd, stateWith({ messages: [{}], reactions: reactions.slice(1) }), bob, data))).toBe('accepted');
  });

  it('is refused where the storage is full', () => {
    const state = stateWith({ messages: [{}] });
    state.storageFull = () => true;
    expect(outcome(run(reactionAdd, state, bob, data))).toBe('session_full');
  });

  it('is not allowed while the session is archived', () => {
    expect(reactionAdd.whileArchived).toBe(false);
  });
});
