import { describe, expect, it } from 'vitest';
import { decideSessionCreate } from '../../../../shared/core/commands/session-create.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import { alice, contextOf, outcome, SESSION_ID, stateWith } from '../fixtures.ts';

describe('session.create', () => {
  it('makes whoever creates it the owner, and fills in what was left out', () => {
    expect(decideSessionCreate(new MemoryState(), { title: 'Harbour' }, contextOf(alice))).toEqual({
      kind: 'accepted',
      entityId: SESSION_ID,
      event: {
        type: 'session.created',
        subject: SESSION_ID,
        data: {
          title: 'Harbour',
          description: '',
          visibility: 'private',
          metadata: {},
          members: [{ userId: 'alice', role: 'owner' }],
        },
      },
    });
  });

  it('lists all members, the owner first', () => {
    const data = {
      title: 'Harbour',
      description: 'tides',
      visibility: 'public' as const,
      metadata: { depth: 3 },
      members: [
        { userId: 'bob', role: 'owner' as const },
        { userId: 'carol', role: 'viewer' as const },
      ],
    };
    const decision = decideSessionCreate(new MemoryState(), data, contextOf(alice));
    expect(decision).toMatchObject({
      event: { data: { ...data, members: [{ userId: 'alice', role: 'owner' }, ...data.members] } },
    });
  });

  it('keeps the creator an owner, whatever members says', () => {
    const members = [{ userId: 'alice', role: 'viewer' as const }];
    const decision = decideSessionCreate(new MemoryState(), { title: 'Harbour', members }, contextOf(alice));
    expect(decision).toMatchObject({ event: { data: { members: [{ userId: 'alice', role: 'owner' }] } } });
  });

  it.each(['active', 'archived', 'deleted'] as const)('conflicts with an id whose session is %s', (status) => {
    const state = stateWith({ session: { status } });
    expect(outcome(decideSessionCreate(state, { title: 'Harbour' }, contextOf(alice)))).toBe('conflict');
  });
});
