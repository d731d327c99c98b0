import { describe, expect, it } from 'vitest';
import { applySessionArchived } from '../../../../shared/core/events/session.ts';
import { eventOf, NOW_MS, sessionRecord, stateWith } from '../fixtures.ts';

describe('session.archived', () => {
  it('makes the session archived and keeps everything else', () => {
    const state = stateWith({ session: { status: 'active' }, messages: [{}] });
    applySessionArchived(state, eventOf('session.archived', {}));
    expect(state.session()).toEqual({ ...sessionRecord(), status: 'archived', updatedAt: NOW_MS });
    expect(state.messages.size).toBe(1);
    expect(state.erased.size).toBe(0);
  });
});
