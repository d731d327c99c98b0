/** Every bound of the contract in one place, its unit in its name. What happens at it stands beside it. */

/** over it: 400 message_too_long */
export const TEXT_CODE_POINTS_MAX = 50_000;
/** outside 1…it: 400 invalid_request */
export const TITLE_CODE_POINTS_MAX = 200;
/** over it: 400 invalid_request */
export const DESCRIPTION_CODE_POINTS_MAX = 2_000;
/** over it: 400 invalid_request */
export const METADATA_BYTES_MAX = 8 * 1024;
/** levels of objects and arrays inside it, for what recurses over it (JSON, structured clones, stores); over it: 400 invalid_request */
export const METADATA_LEVELS_MAX = 100;
/** over it: 400 invalid_request */
export const MENTIONS_MAX = 50;
/** over it: 400 invalid_request */
export const CREATE_MEMBERS_MAX = 100;
/** over it: 413 payload_too_large */
export const BODY_BYTES_MAX = 1024 * 1024;
/** over it: 413 payload_too_large */
export const EVENT_BYTES_MAX = 512 * 1024;
/** over it: 409 session_full */
export const SESSION_MEMBERS_MAX = 100_000;
/** over it: 409 conflict. A deletion names the seq of every edit it erases, within EVENT_BYTES_MAX. */
export const MESSAGE_EDITS_MAX = 10_000;
/** different emoji on one message; over it: 409 conflict. With REACTION_USERS_SHOWN it keeps a message within PAGE_BYTES_MAX. */
export const MESSAGE_EMOJIS_MAX = 50;
/** live reactions on one message; over it: 409 conflict */
export const MESSAGE_REACTIONS_MAX = 10_000;
/** users named per emoji; `count` counts them all */
export const REACTION_USERS_SHOWN = 20;
/** JSON as UTF-8 of a span's input, and of its output; over it: 400 invalid_request */
export const SPAN_PAYLOAD_BYTES_MAX = 64 * 1024;
/** over it: 400 invalid_request */
export const TRACE_ERROR_CODE_POINTS_MAX = 2_000;
/** further parts of one span; over it: 409 conflict */
export const SPAN_UPDATES_MAX = 1_000;
/** over it: 409 conflict. A purge names the seq of every span event it erases, within EVENT_BYTES_MAX. */
export const TRACE_SPAN_EVENTS_MAX = 20_000;
/** beyond it the session takes no more events: 409 session_full */
export const SEQ_MAX = 2 ** 31 - 1;

/** streams that run at once in a session; over it: 429 rate_limited until one ends */
export const STREAMS_RUNNING_MAX = 100;
/** a stream that takes no chunk for its idle time ends as failed; outside these bounds: 400 invalid_request */
export const STREAM_IDLE_MS_MIN = 10_000;
export const STREAM_IDLE_MS_MAX = 30 * 60_000;
export const STREAM_IDLE_MS_DEFAULT = 5 * 60_000;
/** chunks of one stream, empty ones too; over it: 400 message_too_long */
export const STREAM_CHUNKS_MAX = 50_000;
/** chunks of a stream that came before one that is missing, from NATS; over it the stream is torn and `finish.text` decides */
export const STREAM_REORDER_CHUNKS_MAX = 64;
/** chunks wait this long for others before they are stored: at most 4 writes a second of a stream, and less than 500 ms behind */
export const STREAM_STORE_EVERY_MS = 400;
/** stream frames that a socket gets at once between two `received`; beyond it they are merged to one per stream and STREAM_PACE_MS */
export const STREAM_EAGER_BYTES_MAX = 512 * 1024;
export const STREAM_PACE_MS = 250;

/** a page of messages or events is cut here; only nextCursor says there is more */
export const PAGE_BYTES_MAX = 512 * 1024;
export const MESSAGES_PAGE_DEFAULT = 50;
export const MESSAGES_PAGE_MAX = 100;
export const EVENTS_PAGE_DEFAULT = 100;
export const EVENTS_PAGE_MAX = 1_000;
export const MEMBERS_PAGE_DEFAULT = 50;
export const MEMBERS_PAGE_MAX = 100;
export const TRACES_PAGE_DEFAULT = 50;
export const TRACES_PAGE_MAX = 100;
export const SPANS_PAGE_DEFAULT = 100;
export const SPANS_PAGE_MAX = 500;
export const PRESENCE_PAGE_DEFAULT = 100;
export const PRESENCE_PAGE_MAX = 100;

export const SESSIONS_PAGE_DEFAULT = 20;
export const SESSIONS_PAGE_MAX = 100;
/** unread messages and mentions are counted up to this, which means "or more" (contract §2) */
export const INBOX_COUNT_MAX = 100;
/** items of one answer or frame of an inbox; the next follows by its `rev` */
export const INBOX_ITEMS_MAX = 500;
/** a socket of an inbox gets at most one frame in this time: what changed meanwhile comes together in the next */
export const INBOX_FRAME_MS = 100;
/** over it: closed 4400. A client of an inbox has only tickets to send. */
export const INBOX_FRAME_BYTES_MAX = 1_024;
/** a Session tells the Inbox of one user at most once in this time of what that user did; the newest state wins */
export const INBOX_TELL_MS = 250;
/** above it only mentions are pushed to inboxes, and lists ask the session itself (design decision 13) */
export const PUSHED_MEMBERS_MAX = 1_000;

export const SEARCH_PAGE_DEFAULT = 20;
export const SEARCH_PAGE_MAX = 100;
/** over it: 400 invalid_request */
export const SEARCH_QUERY_CODE_POINTS_MAX = 500;
/** words of a query, each character of Chinese, Japanese and Korean counted as one; over it: 400 invalid_request */
export const SEARCH_TERMS_MAX = 64;
/** hits are counted up to this, which means "or more" */
export const SEARCH_TOTAL_MAX = 10_000;
/** of the caller's sessions those that were active last are searched: an older one has to be named */
export const SEARCH_SESSIONS_MAX = 50_000;
/** sessions in one question to the index: more are asked for in several questions at a time */
export const SEARCH_QUESTION_SESSIONS_MAX = 5_000;
/** questions in a row for one page whose hits are gone; beyond it the page is shorter */
export const SEARCH_ROUNDS_MAX = 4;
/** UTF-16 units of text around a hit; a longer text is cut */
export const SEARCH_HIGHLIGHT_CHARS_MAX = 240;

/** flow control per socket: what may be sent without `received`; 30 s at its end closes 4408 */
export const WINDOW_EVENTS = 10_000;
export const WINDOW_BYTES = 8 * 1024 * 1024;
export const WINDOW_FULL_MS_MAX = 30_000;
/** one frame of events is cut here */
export const FRAME_EVENTS_MAX = 1_000;
export const FRAME_BYTES_MAX = 512 * 1024;
/** over it: closed 4400 (1009 by the platform, should it be lower there) */
export const INBOUND_FRAME_BYTES_MAX = 1024 * 1024;
export const HEARTBEAT_MS = 30_000;
/** a socket that sent nothing for this many heartbeats may be closed */
export const HEARTBEATS_MISSED_MAX = 3;
export const TICKET_TTL_MS = 30_000;

/** full events stay until persisted, this much longer, and at least the last TAIL_EVENTS_MIN */
export const TAIL_MS_MIN = 60_000;
export const TAIL_EVENTS_MIN = 1_000;
/** rows removed per trim: the rest waits for the next one */
export const TRIM_ROWS_MAX = 2_000;
/** of their JSON, which is read once more for the digests that stay */
export const TRIM_BYTES_MAX = 2 * 1024 * 1024;
/** a command's record and status are kept for this long, then 404 */
export const COMMAND_RECORD_MS = 8 * 24 * 3600_000;
/** an idempotency key is honoured for this long */
export const IDEMPOTENCY_KEY_MS = 8 * 24 * 3600_000;

/** one publish call carries at most this much; the rest follows in the next call */
export const PUBLISH_BATCH_EVENTS_MAX = 256;
export const PUBLISH_BATCH_BYTES_MAX = 2 * 1024 * 1024;
/** a call to an Uplink answers within this, acknowledged or not */
export const UPLINK_CALL_MS_MAX = 2_000;
/** seqs asked for in one question about lost receipts */
export const REPAIR_SEQS_MAX = 1_000;

/** limits that an operator sets by environment (contract §6), with their defaults */
export interface Limits {
  commandsPerS: number;
  commandsBurst: number;
  sessionCommandsPerS: number;
  socketsPerUser: number;
  framesPerS: number;
  framesBurst: number;
  unpersistedEvents: number;
  unpersistedBytes: number;
  embeddedMessages: number;
  /** events without receipt for longer than this are looked for in archive and stream */
  repairAfterMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  commandsPerS: 100,
  commandsBurst: 300,
  sessionCommandsPerS: 2_000,
  socketsPerUser: 20,
  framesPerS: 200,
  framesBurst: 600,
  unpersistedEvents: 100_000,
  unpersistedBytes: 1_000_000_000,
  embeddedMessages: 1_000_000,
  repairAfterMs: 60_000,
};

/** The environment variable of each limit. */
export const LIMIT_VARIABLES: Record<keyof Limits, string> = {
  commandsPerS: 'LIMIT_COMMANDS_PER_S',
  commandsBurst: 'LIMIT_COMMANDS_BURST',
  sessionCommandsPerS: 'LIMIT_SESSION_COMMANDS_PER_S',
  socketsPerUser: 'LIMIT_SOCKETS_PER_USER',
  framesPerS: 'LIMIT_FRAMES_PER_S',
  framesBurst: 'LIMIT_FRAMES_BURST',
  unpersistedEvents: 'LIMIT_UNPERSISTED_EVENTS',
  unpersistedBytes: 'LIMIT_UNPERSISTED_BYTES',
  embeddedMessages: 'LIMIT_EMBEDDED_MESSAGES',
  repairAfterMs: 'REPAIR_AFTER_MS',
};

/** Reads the limits from an environment. Throws a RangeError that names the variable when one is not a whole number ≥ 1. */
export function limitsFrom(environment: Readonly<Record<string, unknown>>): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const key of Object.keys(LIMIT_VARIABLES) as (keyof Limits)[]) {
    const raw = environment[LIMIT_VARIABLES[key]];
    if (raw === undefined || raw === '') continue;
    const value = Number(raw);
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${LIMIT_VARIABLES[key]} must be a whole number of at least 1`);
    }
    limits[key] = value;
  }
  return limits;
}
