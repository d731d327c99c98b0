import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../../../shared/contract/catalogue.ts';
import * as field from '../../../../shared/contract/fields.ts';
import type { CommandName } from '../../../../shared/core/types.ts';

/** 'ok', or the code of the refusal. */
function send(more: Record<string, unknown>, name: CommandName = 'message.send'): string {
  const parsed = parseCommand(name, { ...(name === 'session.create' ? { title: 'Harbour' } : { text: 'Ahoy' }), ...more });
  return parsed.ok ? 'ok' : parsed.refusal.code;
}
const create = (more: Record<string, unknown>): string => send(more, 'session.create');

describe('text', () => {
  it('takes 50,000 code points, of four bytes each, and no more', () => {
    expect(send({ text: '😀'.repeat(50_000) })).toBe('ok');
    expect(send({ text: '😀'.repeat(50_001) })).toBe('message_too_long');
    expect(send({ text: 'a'.repeat(50_000) })).toBe('ok');
    expect(send({ text: 'a'.repeat(50_001) })).toBe('message_too_long');
    expect(send({ text: `${'😀'.repeat(49_999)}ab` })).toBe('message_too_long');
    expect(send({ messageId: 'm1', text: '😀'.repeat(50_001) }, 'message.edit')).toBe('message_too_long');
  });

  it.each(['', ' ', '\n\t\u3000\u00a0', '\u0085', '\ufeff'])('is empty where it is %j', (text) => {
    expect(send({ text })).toBe('message_empty');
    expect(send({ messageId: 'm1', text }, 'message.edit')).toBe('message_empty');
  });

  it.each(['\ud800', 'a\udc00b', '\ude00\ud83d'])('holds no lone surrogates: %j', (text) => {
    expect(send({ text })).toBe('invalid_request');
  });

  it('is kept exactly as it came', () => {
    for (const text of [' a ', 'e\u0301', '\u0000', '\r\n x', '<script>', '\u202e', '\ufeffa', '\\ud800']) {
      expect(parseCommand('message.send', { text })).toEqual({ ok: true, value: { name: 'message.send', data: { text } } });
    }
  });

  it('is too long before it is empty', () => {
    expect(send({ text: ' '.repeat(50_001) })).toBe('message_too_long');
  });

  it('is a string', () => {
    for (const text of [undefined, null, 1, {}, ['a']]) expect(send({ text })).toBe('invalid_request');
  });

  it('says its own code beside other faults', () => {
    expect(send({ text: '', surprise: 1, id: '' })).toBe('message_empty');
  });
});

describe('titles and short texts', () => {
  it('have 1 to 200 code points', () => {
    expect(create({ title: '😀'.repeat(200) })).toBe('ok');
    for (const title of ['', '😀'.repeat(201), '\ud83d', 7]) expect(create({ title })).toBe('invalid_request');
    expect(send({ name: '😀'.repeat(200), toolCallId: 'x' })).toBe('ok');
    expect(send({ name: '' })).toBe('invalid_request');
    expect(send({ toolCallId: 'x'.repeat(201) })).toBe('invalid_request');
  });

  it('a description may be empty, and is bounded', () => {
    expect(create({ description: '' })).toBe('ok');
    expect(create({ description: '😀'.repeat(2_000) })).toBe('ok');
    expect(create({ description: '😀'.repeat(2_001) })).toBe('invalid_request');
  });
});

describe('metadata', () => {
  it('is at most 8 KiB of JSON as UTF-8', () => {
    const overhead = Buffer.byteLength('{"a":""}');
    expect(send({ metadata: { a: 'x'.repeat(8_192 - overhead) } })).toBe('ok');
    expect(send({ metadata: { a: 'x'.repeat(8_193 - overhead) } })).toBe('invalid_request');
    expect(send({ metadata: { a: '😀'.repeat((8_192 - overhead) / 4) } })).toBe('ok');
    expect(send({ metadata: { a: `${'😀'.repeat((8_192 - overhead) / 4)}x` } })).toBe('invalid_request');
    expect(send({ metadata: { a: 'é'.repeat(4_096) } }), 'few characters, too many bytes').toBe('invalid_request');
  });

  it.each([null, [], 'x', 5, true])('is an object: not %j', (metadata) => {
    expect(send({ metadata })).toBe('invalid_request');
  });

  it('holds no lone surrogates, in values or in keys, at any depth', () => {
    expect(send({ metadata: { a: '\ud800' } })).toBe('invalid_request');
    expect(send({ metadata: { a: [{ b: 'x\udfff' }] } })).toBe('invalid_request');
    expect(send({ metadata: { '\udc00': 1 } })).toBe('invalid_request');
    expect(send({ metadata: { a: '\\\ud800' } }), 'after a backslash').toBe('invalid_request');
  });

  it('may hold text that looks like an escape', () => {
    expect(send({ metadata: { a: '\\ud800', b: '\\\\ud800', '\\udfff': '😀' } })).toBe('ok');
  });

  it('nests only so deep that nothing that recurses over it breaks', () => {
    const nested = (levels: number): unknown => JSON.parse(`{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`);
    expect(send({ metadata: nested(100) })).toBe('ok');
    expect(send({ metadata: nested(101) })).toBe('invalid_request');
    expect(send({ metadata: nested(400_000) }), 'within a body of 1 MiB').toBe('invalid_request');
  });

  it('keeps a key named __proto__ as data', () => {
    const metadata: unknown = JSON.parse('{"__proto__":{"admin":true}}');
    const parsed = parseCommand('message.send', { text: 'Ahoy', metadata });
    expect(JSON.stringify(parsed)).toContain('{"__proto__":{"admin":true}}');
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });
});

describe('lists', () => {
  const users = (count: number): string[] => Array.from({ length: count }, (_, index) => `user-${index}`);

  it('50 mentions, not 51, and user ids alone', () => {
    expect(send({ mentions: users(50) })).toBe('ok');
    expect(send({ mentions: users(51) })).toBe('invalid_request');
    expect(send({ mentions: ['a b'] })).toBe('invalid_request');
  });

  it('100 members at creation, not 101, and none twice', () => {
    const members = users(101).map((userId) => ({ userId, role: 'member' }));
    expect(create({ members: members.slice(0, 100) })).toBe('ok');
    expect(create({ members })).toBe('invalid_request');
    expect(create({ members: [members[0], members[0]] })).toBe('invalid_request');
    expect(create({ members: [{ ...members[0], surprise: 1 }] })).toBe('invalid_request');
    expect(create({ members: [{ userId: 'bob', role: 'king' }] })).toBe('invalid_request');
  });
});

describe('ids, enums and times', () => {
  it('ids are the contract’s', () => {
    expect(send({ id: 'a'.repeat(64), parentId: 'A_-9' })).toBe('ok');
    for (const id of ['', 'a'.repeat(65), 'a.b', 'a b', 5, null]) {
      expect(send({ id })).toBe('invalid_request');
      expect(send({ parentId: id })).toBe('invalid_request');
      expect(create({ id })).toBe('invalid_request');
    }
  });

  it('roles and visibility are enums', () => {
    for (const role of ['user', 'assistant', 'system', 'tool']) expect(send({ role })).toBe('ok');
    for (const visibility of ['private', 'public']) expect(create({ visibility })).toBe('ok');
    expect(send({ role: 'owner' })).toBe('invalid_request');
    expect(create({ visibility: 'secret' })).toBe('invalid_request');
  });

  it.each(['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.123456789+05:30', '0000-01-01T00:00:00Z'])(
    'createdAt may be %s',
    (createdAt) => {
      expect(send({ createdAt })).toBe('ok');
    },
  );

  it.each([
    'yesterday',
    '2026-01-02',
    '2026-01-02T03:04:05',
    '2026-02-30T00:00:00Z',
    '2026-01-02T24:00:00Z',
    '2026-01-02T03:04:05+99:99',
    '9999-12-31T23:59:59-01:00',
    '0000-01-01T00:00:00+01:00',
    1_767_323_045_678,
  ])('createdAt may not be %s', (createdAt) => {
    expect(send({ createdAt })).toBe('invalid_request');
  });
});

it('metadata refuses numbers that JSON would write back as null', () => {
  expect(field.metadata.safeParse(JSON.parse('{"deep":[{"far":1e400}]}')).success).toBe(false);
  expect(field.metadata.safeParse(JSON.parse('{"near":1e300}')).success).toBe(true);
});

describe('text of a stream', () => {
  const code = (value: unknown) => {
    const result = field.streamText.safeParse(value);
    if (result.success) return 'ok';
    const [first] = result.error.issues;
    return (first?.code === 'custom' && (first.params?.['code'] as string | undefined)) || 'invalid_request';
  };

  it('may be empty or white space, and no longer than a message', () => {
    expect([code(''), code(' \n'), code('🦉'.repeat(50_000))]).toEqual(['ok', 'ok', 'ok']);
    expect(code('🦉'.repeat(50_001))).toBe('message_too_long');
  });

  it('is sound by itself', () => {
    expect([code('x\ud83e'), code('\udd89x'), code(1), code(null)]).toEqual(Array.from({ length: 4 }, () => 'invalid_request'));
  });
});

it('a span’s payload is any JSON of 64 KiB that comes out as it came in', () => {
  const takes = (json: string): boolean => field.spanPayload.safeParse(JSON.parse(json)).success;
  for (const json of ['null', '0', '""', '[]', '{"a":[1,null,true]}', `"${'x'.repeat(64 * 1024 - 2)}"`])
    expect(takes(json)).toBe(true);
  expect(takes(`"${'x'.repeat(64 * 1024 - 1)}"`)).toBe(false);
  expect(takes(`"${'ä'.repeat(32 * 1024)}"`)).toBe(false);
  for (const json of ['1e400', '[1e400]', '"\\ud83e"', '{"\\udd89":1}']) expect(takes(json), json).toBe(false);
  expect(takes(`${'['.repeat(100)}${']'.repeat(100)}`)).toBe(true);
  expect(takes(`${'['.repeat(101)}${']'.repeat(101)}`)).toBe(false);
});

it('an emoji is kept in one spelling', () => {
  expect(field.emoji.parse('❤')).toBe('❤️');
  expect(field.emoji.parse('❤️')).toBe('❤️');
  expect(field.emoji.safeParse('heart').error?.issues[0]?.message).toContain('one emoji');
});
