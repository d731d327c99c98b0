import { IDEMPOTENCY_KEY_PATTERN } from '../core/ids.ts';

/** Reads an idempotency key as any door carries it: `"k"`, as the header's draft standard writes it, is the same as `k`. Undefined when malformed. */
export function parseIdempotencyKey(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const key = /^"(.*)"$/.exec(value)?.[1] ?? value;
  return IDEMPOTENCY_KEY_PATTERN.test(key) ? key : undefined;
}

export const BAD_IDEMPOTENCY_KEY = 'The idempotency key must be 1 to 128 visible ASCII characters.';
