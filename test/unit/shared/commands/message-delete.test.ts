import { describe, expect, it } from 'vitest';
import { messageDelete } from '../../../../shared/core/commands/message-delete.ts';
import { alice, bob, carol, dave, messageRecord, outcome, run, stateWith } from '../fixtures.ts';

const target = { messageId: 'm1' };

describe('message.delete', () => {
  it('says what row it deletes, without its text', () => {
    expect(run(messageDelete, stateWith({ messages: [{}] }), bob, target)).toEqual({
      kind: 'accepted',
      entityId: 'm1',
      event: {
        type: 'message.deleted',
        subject: 'm1',
        data: {
          id: 'm1',
          messageSeq: 2,
          author: 'bob',
          role: 'user',
          mentions: [],
          createdAt: new Date(messageRecord().createdAt).toISOString(),
        },
      },
    });
  });

  it('names the edits that it erases', () => {
    const decision = run(messageDelete, stateWith({ messages: [{ updatedSeqs: [3, 5] }] }), bob, target);
    expect(decision).toMatchObject({ event: { data: { updatedSeqs: [3, 5] } } });
  });

  it('is for the author and for owners', () => {
    expect(outcome(run(messageDelete, stateWith({ messages: [{}] }), alice, target))).toBe('accepted');
    expect(outcome(run(messageDelete, stateWith({ messages: [{}] }), carol, target))).toBe('forbidden');
  });

  it('is forbidden to strangers who see a public session', () => {
    const state = stateWith({ session: { visibility: 'public' }, messages: [{}] });
    expect(outcome(run(messageDelete, state, dave, target))).toBe('forbidden');
  });

  it('is unchanged the second time, and still only for the author and owners', () => {
    const state = stateWith({ messages: [{ deletedAt: 1 }] });
    expect(run(messageDelete, state, bob, target)).toEqual({ kind: 'unchanged', entityId: 'm1' });
    expect(outcome(run(messageDelete, state, alice, target))).toBe('unchanged');
    expect(outcome(run(messageDelete, state, carol, target))).toBe('forbidden');
  });

  it('does not find a message that never was', () => {
    expect(outcome(run(messageDelete, stateWith(), alice, target))).toBe('message_not_found');
  });

  it('is allowed while the session is archived', () => {
    expect(messageDelete.whileArchived).toBe(true);
  });
});
