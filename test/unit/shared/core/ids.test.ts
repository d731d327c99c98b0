import { describe, expect, it } from 'vitest';
import {
  CORRELATION_ID_PATTERN,
  ID_PATTERN,
  IDEMPOTENCY_KEY_PATTERN,
  TENANT_PATTERN,
  TRACEPARENT_PATTERN,
  USER_ID_PATTERN,
  uuidV8,
} from '../../../../shared/core/ids.ts';

const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));

describe('id patterns', () => {
  it('ids are 1 to 64 letters, digits, _ and -', () => {
    for (const good of ['a', 'Z9_-', 'a'.repeat(64)]) expect(good).toMatch(ID_PATTERN);
    for (const bad of ['', 'a'.repeat(65), 'a.b', 'a b', 'a/b', 'é', 'a*', 'a>', 'a\n']) expect(bad).not.toMatch(ID_PATTERN);
  });

  it('user ids are 1 to 128 printable ASCII characters without / and space', () => {
    for (const each of printable) expect(USER_ID_PATTERN.test(each), each).toBe(each !== '/' && each !== ' ');
    expect('a'.repeat(128)).toMatch(USER_ID_PATTERN);
    for (const bad of ['', 'a'.repeat(129), '\u007f', 'é', 'a\n']) expect(bad).not.toMatch(USER_ID_PATTERN);
  });

  it('tenants are 1 to 32 lower-case letters, digits and -', () => {
    for (const good of ['default', 'a-1', 'a'.repeat(32)]) expect(good).toMatch(TENANT_PATTERN);
    for (const bad of ['', 'A', 'a_b', 'a.b', 'a'.repeat(33), 'a\n']) expect(bad).not.toMatch(TENANT_PATTERN);
  });

  it.each([IDEMPOTENCY_KEY_PATTERN, CORRELATION_ID_PATTERN])('%s takes 1 to 128 visible ASCII characters', (pattern) => {
    for (const each of printable) expect(pattern.test(each), each).toBe(each !== ' ');
    expect('a'.repeat(128)).toMatch(pattern);
    for (const bad of ['', 'a'.repeat(129), 'é', 'a\r\nb', 'a\n']) expect(bad).not.toMatch(pattern);
  });

  it('traceparent is version 00 with ids that are not all zero', () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const span = '00f067aa0ba902b7';
    expect(`00-${trace}-${span}-01`).toMatch(TRACEPARENT_PATTERN);
    for (const bad of [
      `01-${trace}-${span}-01`,
      `00-${'0'.repeat(32)}-${span}-01`,
      `00-${trace}-${'0'.repeat(16)}-01`,
      `00-${trace.toUpperCase()}-${span}-01`,
      `00-${trace}-${span}-01-more`,
      '',
    ]) {
      expect(bad).not.toMatch(TRACEPARENT_PATTERN);
    }
  });
});

describe('uuidV8', () => {
  it('sets version and variant and keeps the other bits', () => {
    expect(uuidV8(new Uint8Array(32))).toBe('00000000-0000-8000-8000-000000000000');
    expect(uuidV8(new Uint8Array(32).fill(0xff))).toBe('ffffffff-ffff-8fff-bfff-ffffffffffff');
    expect(uuidV8(Uint8Array.from({ length: 20 }, (_, index) => index))).toBe('00010203-0405-8607-8809-0a0b0c0d0e0f');
  });

  it('leaves the digest alone and makes an id', () => {
    const digest = new Uint8Array(16).fill(0xff);
    expect(uuidV8(digest)).toMatch(ID_PATTERN);
    expect(digest).toEqual(new Uint8Array(16).fill(0xff));
  });
});
