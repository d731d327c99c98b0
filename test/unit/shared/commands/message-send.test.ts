import { describe, expect, it } from 'vitest';
import { messageSend } from '../../../../shared/core/commands/message-send.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import type { Actor } from '../../../../shared/core/types.ts';
import { alice, bob, carol, dave, NOW_TIME, outcome, run, sessionRecord, stateWith } from '../fixtures.ts';

const agent: Actor = { id: 'bob', kind: 'agent' };
const system: Actor = { id: 'bob', kind: 'system' };

describe('message.send', () => {
  it('makes a completed message of role user, with an id made for it', () => {
    expect(run(messageSend, stateWith(), bob, { text: ' Ahoy \n' })).toEqual({
      kind: 'accepted',
      entityId: 'made-id',
      event: {
        type: 'message.created',
        subject: 'made-id',
        data: {
          id: 'made-id',
          ordinal: 1,
          text: ' Ahoy \n',
          status: 'completed',
          role: 'user',
          mentions: [],
          metadata: {},
          createdAt: NOW_TIME,
        },
      },
    });
  });

  it('carries every field', () => {
    const data = {
      text: 'Ahoy',
      id: 'm7',
      parentId: 'm1',
      role: 'tool' as const,
      name: 'tide table',
      toolCallId: 'call-1',
      mentions: ['alice', 'alice'],
      metadata: { depth: 3 },
    };
    const decision = run(messageSend, stateWith({ messages: [{}] }), agent, data);
    expect(decision).toEqual({
      kind: 'accepted',
      entityId: 'm7',
      event: { type: 'message.created', subject: 'm7', data: { ...data, ordinal: 2, status: 'completed', createdAt: NOW_TIME } },
    });
  });

  it('is forbidden to viewers, and to strangers who see a public session', () => {
    const state = stateWith({ session: { visibility: 'public' } });
    expect(outcome(run(messageSend, state, carol, { text: 'Ahoy' }))).toBe('forbidden');
    expect(outcome(run(messageSend, state, dave, { text: 'Ahoy' }))).toBe('forbidden');
    expect(outcome(run(messageSend, state, alice, { text: 'Ahoy' }))).toBe('accepted');
  });

  it('lets only agents and systems speak under another role or a name', () => {
    const cases = [{ role: 'assistant' as const }, { role: 'system' as const }, { role: 'tool' as const }, { name: 'Pilot' }];
    for (const more of cases) {
      expect(outcome(run(messageSend, stateWith(), bob, { text: 'Ahoy', ...more }))).toBe('forbidden');
      expect(outcome(run(messageSend, stateWith(), agent, { text: 'Ahoy', ...more }))).toBe('accepted');
      expect(outcome(run(messageSend, stateWith(), system, { text: 'Ahoy', ...more }))).toBe('accepted');
    }
    expect(outcome(run(messageSend, stateWith(), bob, { text: 'Ahoy', role: 'user' }))).toBe('accepted');
  });

  it('takes createdAt from a service alone, and writes it as UTC with milliseconds', () => {
    const data = { text: 'Ahoy', createdAt: '2020-02-29T12:00:00.5+02:00' };
    expect(outcome(run(messageSend, stateWith(), bob, data))).toBe('forbidden');
    expect(outcome(run(messageSend, stateWith(), agent, data))).toBe('forbidden');
    const decision = run(messageSend, stateWith(), { ...bob, service: true }, data);
    expect(decision).toMatchObject({ event: { data: { createdAt: '2020-02-29T10:00:00.500Z' } } });
  });

  it('conflicts with an id that exists, or existed and was deleted', () => {
    expect(outcome(run(messageSend, stateWith({ messages: [{}] }), bob, { text: 'Ahoy', id: 'm1' }))).toBe('conflict');
    const deleted = stateWith({ messages: [{ deletedAt: 1 }] });
    expect(outcome(run(messageSend, deleted, bob, { text: 'Ahoy', id: 'm1' }))).toBe('conflict');
  });

  it('answers a message that exists or was deleted, and none that does not exist', () => {
    expect(outcome(run(messageSend, stateWith({ messages: [{}] }), bob, { text: 'Aye', parentId: 'm1' }))).toBe('accepted');
    const deleted = stateWith({ messages: [{ deletedAt: 1 }] });
    expect(outcome(run(messageSend, deleted, bob, { text: 'Aye', parentId: 'm1' }))).toBe('accepted');
    expect(outcome(run(messageSend, stateWith(), bob, { text: 'Aye', parentId: 'm1' }))).toBe('message_not_found');
    expect(outcome(run(messageSend, stateWith(), bob, { text: 'Aye', id: 'm1', parentId: 'm1' }))).toBe('message_not_found');
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
    expect(outcome(run(messageSend, state, bob, { text: 'Ahoy' }))).toBe('session_full');
  });

  it('is not allowed while the session is archived', () => {
    expect(messageSend.whileArchived).toBe(false);
  });
});
