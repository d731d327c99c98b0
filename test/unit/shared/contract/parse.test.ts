import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { invalid, type Parsed } from '../../../../shared/contract/parse.ts';

function parse(schema: z.ZodType, value: unknown): Parsed<unknown> {
  const result = schema.safeParse(value);
  return result.success ? { ok: true, value: result.data } : invalid(result.error);
}
const withCode = (code: unknown) =>
  z.string().superRefine((_value, context) => context.addIssue({ code: 'custom', message: 'no', params: { code } }));

describe('invalid', () => {
  it('names the place of each issue, and the first in the detail', () => {
    const schema = z.strictObject({ a: z.array(z.strictObject({ b: z.number() })), c: z.string() });
    expect(parse(schema, { a: [{ b: 1 }, { b: 'x' }] })).toMatchObject({
      ok: false,
      refusal: {
        code: 'invalid_request',
        detail: expect.stringMatching(/^a\.1\.b: /) as string,
        errors: [{ path: 'a.1.b' }, { path: 'c' }],
      },
    });
  });

  it('calls the whole the body', () => {
    expect(parse(z.strictObject({}), 5)).toMatchObject({ refusal: { detail: expect.stringMatching(/^The body: /) as string } });
  });

  it('takes the code of an issue that stands for one, also after others', () => {
    const schema = z.strictObject({ a: z.number(), b: withCode('message_empty') });
    expect(parse(schema, { a: 'x', b: 'y' })).toMatchObject({ refusal: { code: 'message_empty' } });
  });

  it.each(['no_such_code', 'toString', 5, undefined])('does not take %j for a code', (code) => {
    expect(parse(withCode(code), 'x')).toMatchObject({ refusal: { code: 'invalid_request' } });
  });

  it('names at most ten issues', () => {
    const parsed = parse(
      z.array(z.number()),
      Array.from({ length: 50 }, () => 'x'),
    );
    expect(parsed.ok ? [] : parsed.refusal.errors).toHaveLength(10);
  });
});
