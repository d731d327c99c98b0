import { expect, test } from 'vitest';
import { parseIdempotencyKey } from '../../../../shared/contract/idempotency-key.ts';

test('quoted and bare keys are the same', () => {
  expect(parseIdempotencyKey('"k"')).toBe('k');
  expect(parseIdempotencyKey('k')).toBe('k');
});

test('1 to 128 visible ASCII characters', () => {
  expect(parseIdempotencyKey('x'.repeat(128))).toBe('x'.repeat(128));
  for (const bad of ['', '""', 'x'.repeat(129), 'a b', 'ä', '\n', 7, null, {}]) expect(parseIdempotencyKey(bad)).toBeUndefined();
});
