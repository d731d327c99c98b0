import { describe, expect, it } from 'vitest';
import { messageEdit } from '../../../../shared/core/commands/message-edit.ts';
import { MESSAGE_EDITS_MAX } from '../../../../shared/core/limits.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import { alice, bob, dave, messageRecord, outcome, run, sessionRecord, stateWith } from '../fixtures.ts';

const edit = { messageId: 'm1', text: 'Avast' };

describe('message.edit', () => {
  it('names everything a sink needs to address the row', () => {
    const state = stateWith({ messages: [{ parentId: 'm0', name: 'Pilot', role: 'assistant', mentions: ['alice'] }] });
    expect(run(messageEdit, state, bob, edit)).toEqual({
      kind: 'accepted',
      entityId: 'm1',
      event: {
        type: 'message.updated',
        subject: 'm1',
        data: {
          id: 'm1',
          messageSeq: 2,
          author: 'bob',
          role: 'assistant',
          name: 'Pilot',
          parentId: 'm0',
          mentions: ['alice'],
          createdAt: new Date(messageRecord().createdAt).toISOString(),
          text: 'Avast',
        },
      },
    });
  });

  it('changes nothing when the message has that text, as far as the tail still tells', () => {
    class Tail extends MemoryState {
      override recentText(): string | undefined {
        return 'Avast';
      }
    }
    const state = new Tail();
    state.putSession(sessionRecord());
    state.putMember({ userId: 'bob', role: 'member', active: true, kind: 'user', joinedAt: 0, readSeq: 0 });
    state.putMessage(messageRecord());
    expect(run(messageEdit, state, bob, edit)).toEqual({ kind: 'unchanged', entityId: 'm1' });
    expect(outcome(run(messageEdit, state, bob, { ...edit, text: 'Avast!' }))).toBe('accepted');
    expect(outcome(run(messageEdit, stateWith({ messages: [{}] }), bob, edit))).toBe('accepted');
  });

  it('is for the author alone: not for an owner', () => {
    expect(outcome(run(messageEdit, stateWith({ messages: [{}] }), alice, edit))).toBe('forbidden');
  });

  it('is forbidden to an author who left, and to strangers who see a public session', () => {
    const state = stateWith({ session: { visibility: 'public' }, left: ['bob'], messages: [{}] });
    expect(outcome(run(messageEdit, state, bob, edit))).toBe('forbidden');
    expect(outcome(run(messageEdit, state, dave, edit))).toBe('forbidden');
  });

  it('does not find a message that never was, or was deleted', () => {
    expect(outcome(run(messageEdit, stateWith(), bob, edit))).toBe('message_not_found');
    expect(outcome(run(messageEdit, stateWith({ messages: [{ deletedAt: 1 }] }), bob, edit))).toBe('message_not_found');
  });

  it('is bounded in number', () => {
    const updatedSeqs = Array.from({ length: MESSAGE_EDITS_MAX }, (_, index) => index + 3);
    expect(outcome(run(messageEdit, stateWith({ messages: [{ updatedSeqs: updatedSeqs.slice(1) }] }), bob, edit))).toBe(
      'accepted',
    );
    expect(outcome(run(messageEdit, stateWith({ messages: [{ updatedSeqs }] }), bob, edit))).toBe('conflict');
  });

  it('is refused once the storage is full', () => {
    class FullState extends MemoryState {
      override storageFull(): boolean {
        return true;
      }
    }
    const state = new FullState();
    state.putSession(sessionRecord());
    state.putMember({ userId: 'bob', role: 'member', active: true, kind: 'user', joinedAt: 0, readSeq: 0 });
    state.putMessage(messageRecord());
    expect(outcome(run(messageEdit, state, bob, edit))).toBe('session_full');
  });

  it('is not allowed while the session is archived', () => {
    expect(messageEdit.whileArchived).toBe(false);
  });
});
