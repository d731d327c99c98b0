import { describe, expect, it } from 'vitest';
import { applyMessageCreated } from '../../../../shared/core/events/message.ts';
import type { MessageCreatedData } from '../../../../shared/core/types.ts';
import { eventOf, NOW_TIME, stateWith } from '../fixtures.ts';
import { streaming } from '../streams.ts';

const data: MessageCreatedData = {
  id: 'm7',
  ordinal: 4,
  text: 'Ahoy "é😀"',
  status: 'completed',
  role: 'user',
  mentions: ['alice'],
  metadata: { depth: 3 },
  createdAt: '2020-01-01T00:00:00.000Z',
};

describe('message.created', () => {
  it('writes the small row', () => {
    const state = stateWith();
    applyMessageCreated(state, eventOf('message.created', data, { seq: 9, clock: '77', actor: 'bob', time: NOW_TIME }));
    expect(state.message('m7')).toEqual({
      id: 'm7',
      seq: 9,
      ordinal: 4,
      author: 'bob',
      authorKind: 'user',
      role: 'user',
      mentions: ['alice'],
      createdAt: Date.parse(data.createdAt),
      updatedSeqs: [],
      clock: '77',
      textBytes: Buffer.byteLength(JSON.stringify(data.text)),
      restBytes: Buffer.byteLength(JSON.stringify({ ...data, text: '' })),
    });
    expect(state.lastOrdinal()).toBe(4);
    expect(state.head(), 'advancing is for apply').toBe(1);
  });

  it('ends the stream that it was, for good', () => {
    const state = streaming(['Ahoy']);
    applyMessageCreated(state, eventOf('message.created', data, { actor: 'ann' }));
    expect([state.stream('m7'), state.runningStreams()]).toEqual(['ended', 0]);
    applyMessageCreated(state, eventOf('message.created', { ...data, id: 'm8' }));
    expect(state.stream('m8')).toBeUndefined();
  });

  it('keeps what an agent adds', () => {
    const state = stateWith();
    const more = { ...data, role: 'tool' as const, name: 'Pilot', parentId: 'm1', toolCallId: 'call-1' };
    applyMessageCreated(state, eventOf('message.created', more, { actor: 'bob', actorname: 'Robo', actorkind: 'agent' }));
    expect(state.message('m7')).toMatchObject({
      role: 'tool',
      name: 'Pilot',
      parentId: 'm1',
      authorKind: 'agent',
      authorName: 'Robo',
    });
  });

  it('learns the name of who was known by id alone, and forgets none', () => {
    const state = stateWith();
    applyMessageCreated(state, eventOf('message.created', data, { actor: 'bob', actorname: 'Bob', actorkind: 'agent' }));
    expect(state.member('bob')).toMatchObject({ name: 'Bob', kind: 'agent', role: 'member', active: true });
    applyMessageCreated(state, eventOf('message.created', { ...data, id: 'm8' }, { actor: 'bob' }));
    expect(state.member('bob')).toMatchObject({ name: 'Bob', kind: 'agent' });
  });
});
