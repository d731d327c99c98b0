import type { ErrorCode } from '../shared/core/codes.ts';
import type { Problem } from '../shared/contract/problem.ts';

/** What can go wrong without the server saying so. */
export type ClientErrorCode =
  /** no answer: unreachable, or the connection broke */
  | 'network'
  /** no answer within the bound */
  | 'timeout'
  /** the caller's signal; the command may have taken effect */
  | 'aborted'
  /** the client or the session was closed */
  | 'closed'
  /** more commands wait than the queue takes: nothing was sent */
  | 'queue_full'
  /** not settled while its key was sure to be remembered; it may have taken effect */
  | 'expired'
  /** a failed message that the user gave up */
  | 'discarded'
  /** an iterator was not read from: it has missed something from here on */
  | 'buffer_full'
  /** getToken failed */
  | 'token_unavailable'
  /** the server does not speak this protocol */
  | 'protocol'
  /** removed from the session */
  | 'removed';

/** Every failure of this client. `code` says what to do; the message is for people only. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode | ClientErrorCode;
  /** HTTP status, 0 when there was none */
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly errors: readonly { path: string; message: string }[];
  readonly correlationId: string | undefined;
  /** the problem as it came: some codes have members of their own, as stream_gap has `expectedIndex` */
  readonly problem: Readonly<Partial<Problem> & Record<string, unknown>> | undefined;

  constructor(
    code: ErrorCode | ClientErrorCode,
    detail: string,
    more: { status?: number; retryAfterMs?: number | undefined; problem?: Problem; cause?: unknown } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    const { problem } = more;
    this.code = code;
    this.status = more.status ?? problem?.status ?? 0;
    this.retryAfterMs = more.retryAfterMs ?? problem?.retryAfterMs;
    this.errors = problem?.errors ?? [];
    this.correlationId = problem?.correlationId;
    this.problem = problem as Record<string, unknown> | undefined;
  }

  static of(problem: Problem, retryAfterMs?: number): MillraceError {
    return new MillraceError(problem.code, problem.detail, { problem, retryAfterMs });
  }

  /** The same request may succeed later: nobody was reached, or the server said so (contract §6). */
  get transient(): boolean {
    return this.status === 429 || this.status >= 500 || TRANSIENT.includes(this.code);
  }
}

const TRANSIENT: readonly string[] = ['network', 'timeout', 'token_unavailable'] satisfies ClientErrorCode[];

export function asMillraceError(error: unknown): MillraceError {
  // by its name: hooks and operators' functions are bundles of their own, each with its copy of the class
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return name === 'MillraceError' ? (error as MillraceError) : new MillraceError('network', message, { cause: error });
}
