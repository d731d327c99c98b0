import { describe, expect, it } from 'vitest';
import { apply } from '../../../../shared/core/apply.ts';
import { eraseEvent, stampEvent, type Stamp } from '../../../../shared/core/event.ts';
import { isErased } from '../../../../shared/core/types.ts';
import { alice, bob, eventOf, NOW_MS, NOW_TIME, SESSION_ID, stateWith } from '../fixtures.ts';

const stamp: Stamp = {
  eventId: 'event-1',
  tenant: 'default',
  sessionId: SESSION_ID,
  publicUrl: 'https://millrace.example.com',
  nowMs: NOW_MS,
  actor: alice,
  correlationId: 'correlation-1',
  commandId: 'command-1',
};
const draft = { type: 'session.archived' as const, subject: SESSION_ID, data: {} };

describe('stampEvent', () => {
  it('makes the envelope of the contract', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    expect(stampEvent(stateWith({ head: 41 }), draft, { ...stamp, traceparent })).toEqual({
      specversion: '1.0',
      id: 'event-1',
      source: `/sessions/${SESSION_ID}`,
      type: 'session.archived',
      subject: SESSION_ID,
      time: NOW_TIME,
      datacontenttype: 'application/json',
      dataschema: 'https://millrace.example.com/schemas/session.archived/1',
      tenant: 'default',
      sessionid: SESSION_ID,
      seq: 42,
      clock: `${NOW_MS}000`,
      actor: 'alice',
      actorkind: 'user',
      actorname: 'Alice',
      correlationid: 'correlation-1',
      causationid: 'command-1',
      traceparent,
      data: {},
    });
  });

  it('leaves out what there is not', () => {
    const event = stampEvent(stateWith(), draft, { ...stamp, actor: bob });
    expect(event).not.toHaveProperty('actorname');
    expect(event).not.toHaveProperty('traceparent');
  });

  it('raises the clock above the last one where time stands still or goes back', () => {
    const state = stateWith();
    state.advance(7, `${NOW_MS + 1}000`);
    expect(stampEvent(state, draft, stamp)).toMatchObject({ seq: 8, clock: `${NOW_MS + 1}001`, time: NOW_TIME });
  });
});

describe('eraseEvent', () => {
  const event = eventOf('message.updated', {
    id: 'm1',
    messageSeq: 2,
    author: 'bob',
    role: 'user',
    mentions: ['carol'],
    createdAt: NOW_TIME,
    text: 'secret',
  });

  it('keeps the envelope and leaves of the data the subject alone', () => {
    const erased = eraseEvent({ ...event, subject: 'm1' });
    expect(erased).toEqual({ ...event, subject: 'm1', data: { id: 'm1', erased: true } });
    expect(eraseEvent(erased)).toEqual(erased);
    expect([isErased(event), isErased(erased)]).toEqual([false, true]);
  });

  it('applied, it moves the head and changes nothing else', () => {
    const state = stateWith({ messages: [{}] });
    const before = state.message('m1');
    apply(state, eraseEvent({ ...event, seq: 3, clock: '33' }));
    expect([state.head(), state.clock(), state.message('m1')]).toEqual([3, '33', before]);
  });
});
