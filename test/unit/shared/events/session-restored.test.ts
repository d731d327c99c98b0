import { describe, expect, it } from 'vitest';
import { applySessionRestored } from '../../../../shared/core/events/session.ts';
import { eventOf, NOW_MS, sessionRecord, stateWith } from '../fixtures.ts';

describe('session.restored', () => {
  it('makes the session active and keeps everything else', () => {
    const state = stateWith({ session: { status: 'archived' }, messages: [{}] });
    applySessionRestored(state, eventOf('session.restored', {}));
    expect(state.session()).toEqual({ ...sessionRecord(), status: 'active', updatedAt: NOW_MS });
    expect(state.messages.size).toBe(1);
    expect(state.erased.size).toBe(0);
  });
});
