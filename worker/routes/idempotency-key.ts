import { BAD_IDEMPOTENCY_KEY, parseIdempotencyKey } from '../../shared/contract/idempotency-key.ts';
import { refuse } from './refused.ts';

/** The header `Idempotency-Key`; undefined when there is none. */
export function idempotencyKeyOf(headers: Headers): string | undefined {
  const header = headers.get('Idempotency-Key');
  if (header === null) return undefined;
  const key = parseIdempotencyKey(header);
  if (key === undefined) throw refuse('invalid_request', BAD_IDEMPOTENCY_KEY);
  return key;
}
