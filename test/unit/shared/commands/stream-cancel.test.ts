import { describe, expect, it } from 'vitest';
import { streamCancel } from '../../../../shared/core/commands/stream-cancel.ts';
import type { Actor } from '../../../../shared/core/types.ts';
import { alice, bob, carol, dave, outcome, run } from '../fixtures.ts';
import { ann, streaming } from '../streams.ts';

const erin: Actor = { id: 'erin', kind: 'user' };
const stop = { messageId: 'm7' };

describe('stream.cancel', () => {
  it('keeps the text so far as a cancelled message of who started it, whoever cancels', () => {
    for (const actor of [ann, alice, bob]) {
      const decision = run(streamCancel, streaming(['Ahoy', ' th']), actor, { ...stop, reason: 'enough' });
      expect(decision).toMatchObject({
        kind: 'accepted',
        entityId: 'm7',
        author: { id: 'ann', kind: 'agent' },
        event: { type: 'message.created', data: { id: 'm7', text: 'Ahoy th', status: 'cancelled', role: 'assistant' } },
      });
    }
  });

  it('may leave an empty message', () => {
    expect(outcome(run(streamCancel, streaming(), bob, stop))).toBe('accepted');
  });

  it('is forbidden to others, also when it ended', () => {
    for (const setup of [{}, { ended: true }]) {
      expect(outcome(run(streamCancel, streaming([], setup), erin, stop))).toBe('forbidden');
      expect(outcome(run(streamCancel, streaming([], setup), carol, stop))).toBe('forbidden');
      const watched = streaming([], { ...setup, session: { visibility: 'public' } });
      expect(outcome(run(streamCancel, watched, dave, stop))).toBe('forbidden');
    }
  });

  it('knows a stream that ended from one that never was', () => {
    expect(outcome(run(streamCancel, streaming([], { ended: true }), bob, stop))).toBe('stream_ended');
    expect(outcome(run(streamCancel, streaming(), bob, { messageId: 'm9' }))).toBe('stream_not_found');
    expect(outcome(run(streamCancel, streaming(), alice, { messageId: 'm1' }))).toBe('stream_not_found');
  });

  it('is allowed while the session is archived', () => {
    expect(streamCancel.whileArchived).toBe(true);
  });
});
