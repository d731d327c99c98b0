import { describe, expect, it } from 'vitest';
import { decide } from '../../../../shared/core/decide.ts';
import { SEQ_MAX } from '../../../../shared/core/limits.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import type { Actor, Command } from '../../../../shared/core/types.ts';
import { alice, bob, carol, contextOf, dave, outcome, stateWith } from '../fixtures.ts';

/** One of every command but session.create, each of which alice may send to the state below. */
const COMMANDS: Command[] = [
  { name: 'session.update', data: { title: 'Pier' } },
  { name: 'session.archive', data: {} },
  { name: 'session.restore', data: {} },
  { name: 'session.delete', data: {} },
  { name: 'member.put', data: { userId: 'dave', role: 'member' } },
  { name: 'member.remove', data: { userId: 'bob' } },
  { name: 'message.send', data: { text: 'Ahoy' } },
  { name: 'message.edit', data: { messageId: 'm1', text: 'Avast' } },
  { name: 'message.delete', data: { messageId: 'm1' } },
];
const messages = [{ author: 'alice' }];

function decided(state: MemoryState, actor: Actor, command: Command): string {
  return outcome(decide(state, command, contextOf(actor)));
}

describe('decide', () => {
  it.each(COMMANDS)('$name: a private session is not found by a stranger', (command) => {
    expect(decided(stateWith({ messages }), dave, command)).toBe('session_not_found');
  });

  it.each(COMMANDS)('$name: a deleted session is not found by anyone', (command) => {
    expect(decided(stateWith({ messages, session: { status: 'deleted', visibility: 'public' } }), alice, command)).toBe(
      'session_not_found',
    );
  });

  it.each(COMMANDS)('$name: a session that never was is not found', (command) => {
    expect(decided(new MemoryState(), alice, command)).toBe('session_not_found');
  });

  it('an archived session takes only what the contract allows', () => {
    const state = stateWith({ messages, session: { status: 'archived' } });
    const outcomes = Object.fromEntries(COMMANDS.map((command) => [command.name, decided(state, alice, command)]));
    expect(outcomes).toEqual({
      'session.update': 'session_archived',
      'session.archive': 'unchanged',
      'session.restore': 'accepted',
      'session.delete': 'accepted',
      'member.put': 'session_archived',
      'member.remove': 'accepted',
      'message.send': 'session_archived',
      'message.edit': 'session_archived',
      'message.delete': 'accepted',
    });
  });

  it('an archived session refuses what would change nothing, and what would be refused for its content', () => {
    const state = stateWith({ messages, session: { status: 'archived' } });
    expect(decided(state, alice, { name: 'session.update', data: {} })).toBe('session_archived');
    expect(decided(state, alice, { name: 'member.put', data: { userId: 'bob', role: 'member' } })).toBe('session_archived');
    expect(decided(state, alice, { name: 'message.edit', data: { messageId: 'none', text: 'x' } })).toBe('session_archived');
    expect(decided(state, alice, { name: 'message.send', data: { text: 'x', id: 'm1' } })).toBe('session_archived');
  });

  it('says forbidden before archived to who may never write', () => {
    const state = stateWith({ messages, session: { status: 'archived', visibility: 'public' } });
    expect(decided(state, carol, { name: 'message.send', data: { text: 'x' } })).toBe('forbidden');
    expect(decided(state, dave, { name: 'message.send', data: { text: 'x' } })).toBe('forbidden');
    expect(decided(state, bob, { name: 'message.send', data: { text: 'x' } })).toBe('session_archived');
  });

  it.each(COMMANDS)('$name: refused once the last seq was given', (command) => {
    expect(decided(stateWith({ messages, head: SEQ_MAX }), alice, command)).toBe('session_full');
    expect(decided(stateWith({ messages, head: SEQ_MAX - 1 }), alice, command)).not.toBe('session_full');
  });

  it('session.create needs no session, and conflicts with one', () => {
    const create: Command = { name: 'session.create', data: { title: 'Harbour' } };
    expect(decided(new MemoryState(), dave, create)).toBe('accepted');
    expect(decided(stateWith(), alice, create)).toBe('conflict');
    expect(decided(stateWith({ session: { status: 'deleted' } }), dave, create)).toBe('conflict');
  });
});
