/** The one catalogue of error codes (contract §6): HTTP status, title, and whether the same request may succeed later. */
export const ERROR_CODES = {
  invalid_request: { status: 400, title: 'The request is not valid', retry: false },
  message_empty: { status: 400, title: 'The message has no text', retry: false },
  message_too_long: { status: 400, title: 'The message is too long', retry: false },
  unauthenticated: { status: 401, title: 'Authentication is required', retry: false },
  forbidden: { status: 403, title: 'Not allowed', retry: false },
  origin_not_allowed: { status: 403, title: 'This origin is not allowed', retry: false },
  session_not_found: { status: 404, title: 'No such session', retry: false },
  message_not_found: { status: 404, title: 'No such message', retry: false },
  trace_not_found: { status: 404, title: 'No such trace', retry: false },
  stream_not_found: { status: 404, title: 'No such stream', retry: false },
  member_not_found: { status: 404, title: 'No such member', retry: false },
  not_found: { status: 404, title: 'Not found', retry: false },
  method_not_allowed: { status: 405, title: 'Method not allowed', retry: false },
  conflict: { status: 409, title: 'It exists, or existed, with other content', retry: false },
  session_archived: { status: 409, title: 'The session is archived', retry: false },
  last_owner: { status: 409, title: 'A session keeps at least one owner', retry: false },
  stream_gap: { status: 409, title: 'A chunk is missing before this one', retry: false },
  stream_ended: { status: 409, title: 'The stream has ended', retry: false },
  epoch_changed: { status: 409, title: 'The cursor is of another epoch', retry: false },
  session_full: { status: 409, title: 'The session is full', retry: false },
  payload_too_large: { status: 413, title: 'The payload is too large', retry: false },
  unsupported_media_type: { status: 415, title: 'Unsupported media type', retry: false },
  upgrade_required: { status: 426, title: 'A WebSocket upgrade is required', retry: false },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used for another request', retry: false },
  rate_limited: { status: 429, title: 'Too many requests', retry: true },
  internal: { status: 500, title: 'Something went wrong here', retry: true },
  overloaded: { status: 503, title: 'Too much is waiting to be persisted', retry: true },
  unavailable: { status: 503, title: 'Not available right now', retry: true },
} as const satisfies Record<string, { status: number; title: string; retry: boolean }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Why something was refused, before a door dresses it as a problem (RFC 9457) or a `reject` frame. */
export interface Refusal {
  code: ErrorCode;
  detail: string;
  errors?: { path: string; message: string }[];
  retryAfterMs?: number;
  /** of stream_gap: the index of the chunk that comes next */
  expectedIndex?: number;
}

export function refusal(code: ErrorCode, detail: string, more: Omit<Refusal, 'code' | 'detail'> = {}): Refusal {
  return { code, detail, ...more };
}

/** WebSocket close codes (contract §4). 4400–4499: come back only after mending the cause; 1012: come back with jitter. */
export const CLOSE_CODES = {
  restart: 1012,
  badFrame: 4400,
  tokenExpired: 4401,
  removed: 4403,
  tooSlow: 4408,
  sessionDeleted: 4410,
  rate: 4429,
} as const;

export type CloseReason = keyof typeof CLOSE_CODES;
