import { ERROR_CODES, type ErrorCode, type Refusal } from '../core/codes.ts';

/** RFC 9457 problem details with our members (contract §6). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  correlationId: string;
  errors?: { path: string; message: string }[];
  /** where HTTP has Retry-After, milliseconds */
  retryAfterMs?: number;
  /** of stream_gap: the index of the chunk that comes next */
  expectedIndex?: number;
}

/** What a client waits when a code says that waiting helps and nothing better is known. */
const RETRY_AFTER_MS_DEFAULT = 1_000;

export function problemOf(refusal: Refusal, correlationId: string): Problem {
  const { status, title, retry } = ERROR_CODES[refusal.code];
  const wait = refusal.retryAfterMs ?? (retry && status !== 500 ? RETRY_AFTER_MS_DEFAULT : undefined);
  return {
    type: `urn:millrace:problem:${refusal.code}`,
    title,
    status,
    detail: refusal.detail,
    code: refusal.code,
    correlationId,
    ...(refusal.errors === undefined ? {} : { errors: refusal.errors }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(refusal.expectedIndex === undefined ? {} : { expectedIndex: refusal.expectedIndex }),
  };
}
