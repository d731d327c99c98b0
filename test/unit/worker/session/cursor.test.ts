import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor } from '../../../../worker/session/cursor.ts';

test('a cursor comes back as its position', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[!-.0-~]{1,128}$/), (position) => {
      expect(decodeCursor('members', 's1', encodeCursor('members', 's1', position))).toBe(position);
    }),
  );
});

test('a cursor of another kind or session is not ours', () => {
  const cursor = encodeCursor('messages', 's1', '17');
  expect(decodeCursor('members', 's1', cursor)).toBeUndefined();
  expect(decodeCursor('messages', 's2', cursor)).toBeUndefined();
});

test('what was not made here is refused, also with one character changed', () => {
  const cursor = encodeCursor('messages', 's1', '17');
  for (const forged of ['', 'x', '17', 'a'.repeat(600), `${cursor}A`, cursor.slice(1), btoa('1.messages.00000000.17')]) {
    expect(decodeCursor('messages', 's1', forged)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.nat(cursor.length - 1), fc.constantFrom(...'ABCxyz019_-'.split('')), (at, char) => {
      const changed = cursor.slice(0, at) + char + cursor.slice(at + 1);
      expect(decodeCursor('messages', 's1', changed)).toBe(changed === cursor ? '17' : undefined);
    }),
  );
});
