import { describe, expect, it } from 'vitest';
import { backendCommand, inboundSignal, isReplySubject } from '../../../../shared/contract/backend.ts';

const actor = { id: 'bot', kind: 'agent' };

describe('a command of a backend', () => {
  const takes = (more: object): boolean => backendCommand.safeParse({ command: 'message.send', actor, ...more }).success;

  it('names a command and who acts; the rest may be left out', () => {
    expect(takes({})).toBe(true);
    expect(takes({ data: { text: 'a' }, actor: { ...actor, name: 'Bot' }, commandId: 'c-1', correlationId: 'k' })).toBe(true);
    // unusable, and as good as none: the door makes one
    expect(takes({ correlationId: 7, traceparent: 'nonsense' })).toBe(true);
  });

  it('is refused with anything else', () => {
    for (const more of [
      { surprise: 1 },
      { command: undefined },
      { command: 7 },
      { actor: undefined },
      { actor: { id: 'bot' } },
      { actor: { ...actor, service: true } },
      { actor: { ...actor, id: 'a b' } },
      { actor: { ...actor, kind: 'admin' } },
      { actor: { ...actor, name: '' } },
      { actor: { ...actor, name: '\ud800' } },
      { commandId: 'a.b' },
      { commandId: 'c'.repeat(65) },
    ]) {
      expect(takes(more), JSON.stringify(more)).toBe(false);
    }
  });
});

describe('a signal of a backend', () => {
  const takes = (signal: object): boolean => inboundSignal.safeParse(signal).success;
  const chunk = { messageId: 'm1', index: 0, text: '' };

  it('is a chunk or typing, with who acts', () => {
    expect(takes({ name: 'stream', actor, data: chunk })).toBe(true);
    expect(takes({ name: 'typing', actor, data: { active: false } })).toBe(true);
  });

  it('is nothing else: what the edge says is not taken back', () => {
    for (const signal of [
      { name: 'cancel', actor, data: { messageId: 'm1' } },
      { name: 'stream', data: chunk },
      { name: 'stream', actor, data: { ...chunk, index: -1 } },
      { name: 'stream', actor, data: { ...chunk, index: 0.5 } },
      { name: 'stream', actor, data: { ...chunk, text: 'x'.repeat(50_001) } },
      { name: 'stream', actor, data: { ...chunk, messageId: 'a b' } },
      { name: 'typing', actor, data: { active: 'yes' } },
      { name: 'typing', actor, data: { active: true }, at: 'now' },
    ]) {
      expect(takes(signal), JSON.stringify(signal)).toBe(false);
    }
  });
});

it('a reply goes to a literal subject that is not of the system itself', () => {
  expect(isReplySubject('_INBOX.x.1')).toBe(true);
  for (const subject of ['millrace.commands.default.s1', '$JS.API.INFO', 'a.>', '*', 'a.', '', 'a\r\nPUB x']) {
    expect(isReplySubject(subject), subject).toBe(false);
  }
});
