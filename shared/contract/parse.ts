import type { z } from 'zod';
import { ERROR_CODES, type ErrorCode, type Refusal } from '../core/codes.ts';

export type Parsed<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

/** Issues named in one answer; more would only repeat them. */
const ISSUES_MAX = 10;

/** Turns a zod error into a refusal: the first issue that stands for a code of its own gives the code. */
export function invalid(error: z.ZodError): { ok: false; refusal: Refusal } {
  const issues = error.issues.slice(0, ISSUES_MAX);
  const errors = issues.map((issue) => ({ path: pathOf(issue), message: issue.message }));
  const code = issues.map(codeOf).find((each) => each !== undefined) ?? 'invalid_request';
  const first = errors[0];
  const detail =
    first === undefined ? ERROR_CODES[code].title : `${first.path === '' ? 'The body' : first.path}: ${first.message}`;
  return { ok: false, refusal: { code, detail, errors } };
}

function pathOf(issue: z.core.$ZodIssue): string {
  return issue.path.map(String).join('.');
}

function codeOf(issue: z.core.$ZodIssue): ErrorCode | undefined {
  if (issue.code !== 'custom') return undefined;
  const code: unknown = issue.params?.['code'];
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : undefined;
}
