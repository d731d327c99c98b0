import { describe, expect, it } from 'vitest';
import { applyMessageUpdated } from '../../../../shared/core/events/message.ts';
import { eventOf, messageRecord, NOW_MS, NOW_TIME, stateWith } from '../fixtures.ts';

const data = {
  id: 'm1',
  messageSeq: 2,
  author: 'bob',
  role: 'user' as const,
  mentions: [],
  createdAt: NOW_TIME,
  text: 'Avast é',
};

describe('message.updated', () => {
  it('notes the edit and the size of its text, and keeps the rest', () => {
    const state = stateWith({ messages: [{ updatedSeqs: [3] }] });
    applyMessageUpdated(state, eventOf('message.updated', data, { seq: 9, clock: '77' }));
    expect(state.message('m1')).toEqual({
      ...messageRecord(),
      editedAt: NOW_MS,
      updatedSeqs: [3, 9],
      clock: '77',
      textBytes: Buffer.byteLength(JSON.stringify(data.text)),
    });
    expect(state.erased.size).toBe(0);
  });

  it('changes nothing where its message.created was erased', () => {
    const state = stateWith();
    applyMessageUpdated(state, eventOf('message.updated', data));
    expect(state.messages.size).toBe(0);
  });
});
