import { rfc3339 } from '../../shared/contract/fields.ts';
import { SEQ_MAX } from '../../shared/core/limits.ts';
import { refuse } from './refused.ts';

/** a cursor or epoch of ours is shorter; a longer one is not ours */
const OPAQUE_LENGTH_MAX = 512;

/** Decimal digits within a range, or the default when absent; anything else is 400 invalid_request. */
export function wholeNumber(query: URLSearchParams, name: string, range: { min: number; max: number; absent: number }): number {
  const raw = query.get(name);
  if (raw === null) return range.absent;
  const value = /^[0-9]{1,10}$/.test(raw) ? Number(raw) : Number.NaN;
  if (!(value >= range.min && value <= range.max)) {
    throw refuse('invalid_request', `${name} must be a whole number from ${range.min} to ${range.max}.`);
  }
  return value;
}

/** RFC 3339 as epoch milliseconds, or undefined when absent; anything else is 400 invalid_request. */
export function instant(query: URLSearchParams, name: string): number | undefined {
  const raw = query.get(name);
  if (raw === null) return undefined;
  const parsed = rfc3339.safeParse(raw);
  if (!parsed.success) throw refuse('invalid_request', `${name} must be a time as in RFC 3339.`);
  return Date.parse(parsed.data);
}

/** What matches the pattern, or undefined when absent; anything else is 400 invalid_request. */
export function matching(query: URLSearchParams, name: string, pattern: RegExp, what: string): string | undefined {
  const raw = query.get(name) ?? undefined;
  if (raw !== undefined && !pattern.test(raw)) throw refuse('invalid_request', `${name} is not ${what}.`);
  return raw;
}

/** A string that only who made it can read. */
export function opaque(query: URLSearchParams, name: string): string | undefined {
  const raw = query.get(name);
  if (raw === null) return undefined;
  if (raw === '' || raw.length > OPAQUE_LENGTH_MAX) throw refuse('invalid_request', `${name} is not one that was made here.`);
  return raw;
}

export function afterSeq(query: URLSearchParams): number {
  return wholeNumber(query, 'after', { min: 0, max: SEQ_MAX, absent: 0 });
}

/** A revision of an inbox rises more often than a seq. */
export function afterRev(query: URLSearchParams): number {
  return wholeNumber(query, 'after', { min: 0, max: 9_999_999_999, absent: 0 });
}

/** An epoch that was not made here is just another epoch: the Session answers epoch_changed. */
export function epochOf(query: URLSearchParams): string | undefined {
  return query.get('epoch')?.slice(0, OPAQUE_LENGTH_MAX);
}
