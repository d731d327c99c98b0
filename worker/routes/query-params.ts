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
