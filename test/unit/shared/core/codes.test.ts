import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, ERROR_CODES, refusal } from '../../../../shared/core/codes.ts';

/** The table of contract §6, and 426 of its §4. */
const STATUS_BY_CODE = {
  invalid_request: 400,
  message_empty: 400,
  message_too_long: 400,
  unauthenticated: 401,
  forbidden: 403,
  origin_not_allowed: 403,
  session_not_found: 404,
  message_not_found: 404,
  trace_not_found: 404,
  stream_not_found: 404,
  member_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  session_archived: 409,
  last_owner: 409,
  stream_gap: 409,
  stream_ended: 409,
  epoch_changed: 409,
  session_full: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  upgrade_required: 426,
  rate_limited: 429,
  internal: 500,
  overloaded: 503,
  unavailable: 503,
};

describe('error codes', () => {
  it('are those of the contract, each with its status', () => {
    const statuses = Object.fromEntries(Object.entries(ERROR_CODES).map(([code, { status }]) => [code, status]));
    expect(statuses).toEqual(STATUS_BY_CODE);
  });

  it('say that a retry helps exactly where waiting can help', () => {
    const retried = Object.entries(ERROR_CODES).filter(([, { retry }]) => retry);
    expect(retried.map(([code]) => code).toSorted()).toEqual(['internal', 'overloaded', 'rate_limited', 'unavailable']);
  });

  it('have titles that tell people something, and none twice', () => {
    const titles = Object.values(ERROR_CODES).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    for (const title of titles) expect(title).toMatch(/^[A-Z].{5,}[^.]$/);
  });
});

describe('close codes', () => {
  it('are those of the contract', () => {
    expect(Object.values(CLOSE_CODES).toSorted((a, b) => a - b)).toEqual([1012, 4400, 4401, 4403, 4408, 4410, 4429]);
  });
});

describe('refusal', () => {
  it('carries only what was given', () => {
    expect(refusal('forbidden', 'Not you.')).toEqual({ code: 'forbidden', detail: 'Not you.' });
    expect(refusal('rate_limited', 'Slower.', { retryAfterMs: 5 })).toEqual({
      code: 'rate_limited',
      detail: 'Slower.',
      retryAfterMs: 5,
    });
  });
});
