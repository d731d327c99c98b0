import { describe, expect, it } from 'vitest';
import { applyTraceStarted } from '../../../../shared/core/events/trace.ts';
import { eventOf, NOW_MS, stateWith } from '../fixtures.ts';

describe('trace.started', () => {
  it('makes a row, without the metadata but with its size', () => {
    const state = stateWith();
    const event = eventOf(
      'trace.started',
      { id: 't1', name: 'plan', metadata: { k: 'ä' } },
      { actor: 'cleo', actorkind: 'agent', actorname: 'Cleo' },
    );
    applyTraceStarted(state, event);
    expect(state.trace('t1')).toEqual({
      id: 't1',
      seq: 9,
      name: 'plan',
      status: 'running',
      author: 'cleo',
      authorKind: 'agent',
      authorName: 'Cleo',
      startedAt: NOW_MS,
      spanUpdates: 0,
      metadataBytes: '{"k":"a"}'.length + 1,
    });
  });
});
