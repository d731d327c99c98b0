/** Every bound of the client in one place, its unit in its name. What happens at it stands beside it. */

/** a request without an answer by then counts as failed: `timeout`, and is repeated where that is safe */
export const REQUEST_MS_MAX = 30_000;
/** getToken without a result by then: `token_unavailable` */
export const TOKEN_MS_MAX = 30_000;
/** a token is renewed this long before it expires, or at four fifths of a shorter life */
export const TOKEN_MARGIN_MS = 30_000;
/** tries of a query; then its last error */
export const READ_ATTEMPTS_MAX = 4;
/** ticket, upgrade and welcome together; then the next attempt */
export const CONNECT_MS_MAX = 15_000;
/** no pong by then: the socket is given up and resumed */
export const PONG_MS_MAX = 10_000;
/** reconnections wait at most this; they go on for as long as somebody holds the session */
export const RECONNECT_BASE_MS = 500;
export const RECONNECT_MS_MAX = 30_000;
/** 1012 and 4408: everybody comes back within this */
export const RESTART_JITTER_MS_MAX = 3_000;
/** 4429: at least this, and as much again at random */
export const RATE_WAIT_MS = 5_000;
/** a connection that held this long starts its backoff anew */
export const STABLE_MS = 10_000;
/** a ticket for `renew` is asked for again no sooner than this */
export const RENEW_MS_MIN = 5_000;

/** commands that wait, per session; beyond: `queue_full`, and nothing is sent */
export const QUEUE_COMMANDS_MAX = 1_000;
/** their JSON together, in UTF-16 units; beyond: `queue_full` */
export const QUEUE_CHARS_MAX = 8 * 1024 * 1024;
/** a command unsettled for this long: `expired`. Keys are remembered for at least 24 h (contract §1). */
export const COMMAND_AGE_MS_MAX = 12 * 3_600_000;
/** a socket that does not answer a command by then: it goes over HTTP, with its key */
export const ACK_MS_MAX = 10_000;
/** a command answered `internal` this often is rejected, lest it hold up those behind it for hours */
export const INTERNAL_ATTEMPTS_MAX = 5;
export const COMMAND_RETRY_BASE_MS = 250;
export const COMMAND_RETRY_MS_MAX = 15_000;
/** a store of commands that has not answered by then counts as one that refuses */
export const STORE_MS_MAX = 5_000;
/** retries of reading what a former page left there; then it stays there for the next one */
export const STORE_RETRIES_MAX = 10;
/** larger commands go over HTTP, which refuses one that is too large where a socket would break */
export const SOCKET_COMMAND_CHARS_MAX = 256 * 1024;

/** a gap longer than this is read by nobody: state starts over, unless somebody takes events one by one */
export const GAP_EVENTS_MAX = 5_000;
/** events of a page of catch-up, the server's own maximum */
export const CATCH_UP_PAGE_EVENTS = 1_000;
/** sessions remembered that nobody holds, listens to or waits for; beyond: the longest unused are forgotten */
export const IDLE_SESSIONS_MAX = 100;
/** events an iterator holds for a slow reader; beyond: it ends with `buffer_full` */
export const ITERATOR_EVENTS_MAX = 10_000;
/** events remembered while pages load, to be laid over them; beyond: the pages are read again */
export const OVERLAY_EVENTS_MAX = 5_000;
/** creations remembered that came erased, until their deletion comes; beyond: a reply count may be one short until it is read */
export const ERASED_CREATIONS_MAX = 10_000;

/** a typing signal is repeated no sooner than this, and believed for TYPING_SHOWN_MS */
export const TYPING_EVERY_MS = 3_000;
export const TYPING_SHOWN_MS = 10_000;
/** pages of those who are here that are read; of more only the first are known until they move */
export const PRESENCE_PAGES_MAX = 10;
/** running streams shown; the oldest is forgotten first (its message comes all the same) */
export const RUNNING_STREAMS_MAX = 100;
/** text that a stream writer holds back while a request is under way, in UTF-16 units; beyond: append waits */
export const STREAM_HELD_CHARS_MAX = 1024 * 1024;
/** one chunk, in UTF-16 units; more text is cut into several */
export const STREAM_CHUNK_CHARS_MAX = 16 * 1024;
/** the list of sessions is read again no sooner than this after a change, and this often without one */
export const SESSION_LIST_GAP_MS = 1_000;
export const SESSION_LIST_EVERY_MS = 60_000;
/** a search is asked this long after the last key */
export const SEARCH_PAUSE_MS = 200;
/** how far a command has come is asked this often at first, ever more rarely, and not more often in all */
export const STATUS_EVERY_MS = 400;
export const STATUS_EVERY_MS_MAX = 10_000;
export const STATUS_ASKS_MAX = 60;
/** the inbox is asked for over HTTP this often while its socket is away */
export const INBOX_POLL_MS = 15_000;
