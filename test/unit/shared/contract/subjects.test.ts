import { describe, expect, it } from 'vitest';
import {
  COMMANDS_STREAM,
  commandSubject,
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
    expect(COMMANDS_STREAM).toBe('MILLRACE_COMMANDS');
    expect(commandSubject('default', 's1')).toBe('millrace.commands.default.s1');
    expect(signalsSubject('default', 's1')).toBe('millrace.signals.default.s1');
  });
});
