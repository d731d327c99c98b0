import { describe, expect, it } from 'vitest';
import {
  DEAD_LETTERS_STREAM,
  deadLetterSubject,
  EVENTS_STREAM,
  eventSubject,
  signalsSubject,
} from '../../../../shared/contract/subjects.ts';

describe('NATS names', () => {
  it('are those of the contract', () => {
    expect(EVENTS_STREAM).toBe('MILLRACE_EVENTS');
    expect(DEAD_LETTERS_STREAM).toBe('MILLRACE_DEAD_LETTERS');
    expect(eventSubject('default', 'message.created', 's1')).toBe('millrace.events.default.message.created.s1');
    expect(deadLetterSubject('history')).toBe('millrace.dead.history');
    expect(signalsSubject('default', 's1')).toBe('millrace.signals.default.s1');
  });
});
