import { describe, expect, it } from 'vitest';
import { readCommand, replyPrefix, replySubjectOf } from '../../../../consumers/relay/command-message.ts';
import type { Incoming } from '../../../../consumers/runtime/incoming.ts';
import { BODY_BYTES_MAX } from '../../../../shared/core/limits.ts';
import { commandMessage } from './fakes.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const refusalOf = (more: Partial<Incoming>): string => {
  const read = readCommand(commandMessage(1, more));
  return read.ok ? 'passed on' : read.refusal.code;
};
const keyOf = (headers: [string, string][], more: Partial<Incoming> = {}): string | undefined => {
  const read = readCommand(commandMessage(7, { headers, ...more }));
  return read.ok ? read.command.idempotencyKey : undefined;
};

describe('a command of a backend', () => {
  it('is passed on as it came, with the session of its subject', () => {
    const text = '{"command":"message.send", "data":{"text":"héllo\\u0000"}}';
    const read = readCommand(commandMessage(7, { subject: 'millrace.commands.acme.s_1', data: bytes(text) }));
    expect(read).toEqual({
      ok: true,
      command: { tenant: 'acme', sessionId: 's_1', idempotencyKey: 'nats:stored-7', payload: text },
    });
  });

  it('has the key that it was given, or one of its own that every delivery shares', () => {
    expect(keyOf([['Millrace-Idempotency-Key', 'mine']])).toBe('mine');
    expect(keyOf([['Millrace-Idempotency-Key', '"mine"']])).toBe('mine');
    expect(keyOf([], { deliveries: 1 })).toBe(keyOf([], { deliveries: 5 }));
    expect(keyOf([], { storedId: '7.1' })).not.toBe(keyOf([], { storedId: '7.2' }));
  });

  it('is refused where it could not be passed on', () => {
    expect(refusalOf({})).toBe('passed on');
    expect(refusalOf({ data: new Uint8Array([0x22, 0xff, 0x22]) })).toBe('invalid_request');
    expect(refusalOf({ data: bytes('\u0001'.repeat(100)) })).toBe('invalid_request');
    expect(refusalOf({ data: new Uint8Array(BODY_BYTES_MAX + 1).fill(0x20) })).toBe('payload_too_large');
    expect(refusalOf({ data: new Uint8Array(BODY_BYTES_MAX).fill(0x20) })).toBe('passed on');
    expect(refusalOf({ subject: 'millrace.commands.ACME.s1' })).toBe('invalid_request');
    expect(refusalOf({ subject: 'millrace.commands.acme.s$' })).toBe('invalid_request');
    expect(refusalOf({ headers: [['Millrace-Idempotency-Key', 'two words']] })).toBe('invalid_request');
    expect(refusalOf({ headers: [['Millrace-Idempotency-Key', '']] })).toBe('invalid_request');
  });

  it('is answered where a reply may go, and refused where it would pass for the system itself', () => {
    const replyTo = (subject: string): Partial<Incoming> => ({ headers: [['Millrace-Reply', subject]] });
    for (const subject of ['_INBOX.abc.1', 'backend.replies', 'millraces.x', 'a']) {
      expect(replySubjectOf(commandMessage(1, replyTo(subject)))).toBe(subject);
      expect(refusalOf(replyTo(subject))).toBe('passed on');
    }
    const forbidden = ['$JS.API.STREAM.DELETE.X', '$SYS.x', 'millrace.events.default.message.created.s1', 'MILLRACE.x'];
    for (const subject of [...forbidden, 'a.*', 'a.>', 'a..b', '.a', 'a b', '', 'a'.repeat(257), 'ä']) {
      expect(refusalOf(replyTo(subject)), subject).toBe('invalid_request');
      expect(replySubjectOf(commandMessage(1, replyTo(subject)))).toBeUndefined();
    }
    expect(replySubjectOf(commandMessage(1))).toBeUndefined();
  });

  it('is answered below the prefix of its tenant alone, where one is set', () => {
    const prefixOf = replyPrefix('replies.{tenant}.');
    const judged = (reply: string): string | undefined => {
      const incoming = commandMessage(1, { subject: 'millrace.commands.acme.s_1', headers: [['Millrace-Reply', reply]] });
      const read = readCommand(incoming, prefixOf);
      expect(replySubjectOf(incoming, prefixOf)).toBe(read.ok ? reply : undefined);
      return read.ok ? 'passed on' : read.refusal.detail;
    };
    expect(judged('replies.acme.1')).toBe('passed on');
    for (const reply of ['replies.acme2.1', 'replies.globex.1', 'replies.acme', '_INBOX.x']) {
      expect(judged(reply)).toBe('Millrace-Reply must begin with replies.acme.');
    }
    expect(replyPrefix(undefined)).toBeUndefined();
  });
});
