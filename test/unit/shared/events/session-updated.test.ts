import { describe, expect, it } from 'vitest';
import { applySessionUpdated } from '../../../../shared/core/events/session.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import { eventOf, NOW_MS, sessionRecord, stateWith } from '../fixtures.ts';

const data = { title: 'Pier', description: '', visibility: 'private' as const, metadata: {} };

describe('session.updated', () => {
  it('writes the fields and the time, and keeps the rest', () => {
    const state = stateWith({ session: { status: 'archived' } });
    applySessionUpdated(state, eventOf('session.updated', data));
    expect(state.session()).toEqual({ ...sessionRecord(), ...data, status: 'archived', updatedAt: NOW_MS });
  });

  it('changes nothing where its session.created is not known', () => {
    const state = new MemoryState();
    applySessionUpdated(state, eventOf('session.updated', data));
    expect(state.session()).toBeUndefined();
  });
});
