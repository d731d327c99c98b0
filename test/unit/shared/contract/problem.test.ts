import { describe, expect, it } from 'vitest';
import { problemOf } from '../../../../shared/contract/problem.ts';
import { ERROR_CODES, type ErrorCode } from '../../../../shared/core/codes.ts';

describe('problemOf', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorCode[])('%s has the members of RFC 9457 and ours', (code) => {
    const problem = problemOf({ code, detail: 'Because.' }, 'correlation-1');
    const { status, title } = ERROR_CODES[code];
    expect(problem).toMatchObject({
      type: `urn:millrace:problem:${code}`,
      title,
      status,
      detail: 'Because.',
      code,
      correlationId: 'correlation-1',
    });
    expect(problem).not.toHaveProperty('errors');
    expect(problem.retryAfterMs !== undefined, 'where HTTP has Retry-After').toBe([429, 503].includes(status));
  });

  it('carries errors, and the wait that is known', () => {
    const errors = [{ path: 'text', message: 'must not be empty' }];
    expect(problemOf({ code: 'invalid_request', detail: 'x', errors }, 'c').errors).toEqual(errors);
    expect(problemOf({ code: 'rate_limited', detail: 'x', retryAfterMs: 250 }, 'c').retryAfterMs).toBe(250);
  });
});
