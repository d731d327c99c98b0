import { IDEMPOTENCY_KEY_PATTERN } from '../../shared/core/ids.ts';
import { refuse } from './refused.ts';

/** `Idempotency-Key`: 1–128 visible ASCII characters; `"k"`, as the header's draft standard writes it, is the same as `k`. */
export function idempotencyKeyOf(headers: Headers): string | undefined {
  const header = headers.get('Idempotency-Key');
  if (header === null) return undefined;
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (!IDEMPOTENCY_KEY_PATTERN.test(key))
    throw refuse('invalid_request', 'Idempotency-Key must be 1 to 128 visible ASCII characters.');
  return key;
}
