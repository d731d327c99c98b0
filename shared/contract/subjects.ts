/** NATS names (contract §5). Ids are validated before they come here: a token never holds `.`, `*` or `>`. */
export const EVENTS_STREAM = 'MILLRACE_EVENTS';
export const DEAD_LETTERS_STREAM = 'MILLRACE_DEAD_LETTERS';
export const COMMANDS_STREAM = 'MILLRACE_COMMANDS';
export const EVENTS_SUBJECTS = 'millrace.events.>';
export const DEAD_LETTERS_SUBJECTS = 'millrace.dead.>';
/** request and reply between Uplink and the query consumers */
export const QUERY_SUBJECT = 'millrace.query.history';
export const QUERY_QUEUE = 'query';
/** the same for questions to the search index */
export const SEARCH_SUBJECT = 'millrace.query.search';

/** `millrace.events.{tenant}.{type}.{sessionId}`: the type's dot makes two tokens of it */
export function eventSubject(tenant: string, type: string, sessionId: string): string {
  return `millrace.events.${tenant}.${type}.${sessionId}`;
}

/** what backends publish; exactly these tokens, so that the stream takes no other */
export const COMMANDS_SUBJECTS = 'millrace.commands.*.*';
export function commandSubject(tenant: string, sessionId: string): string {
  return `millrace.commands.${tenant}.${sessionId}`;
}

export function deadLetterSubject(consumer: string): string {
  return `millrace.dead.${consumer}`;
}

/** `millrace.signals.{tenant}.{sessionId}`: what is not kept, to backends and from them, over core NATS */
export const SIGNALS_SUBJECTS = 'millrace.signals.*.*';
export function signalsSubject(tenant: string, sessionId: string): string {
  return `millrace.signals.${tenant}.${sessionId}`;
}

/** header of a core message that the edge published: both directions share the subject, and the relay leaves these alone */
export const FROM_HEADER = 'Millrace-From';
export const FROM_EDGE = 'edge';

export const CLOUDEVENTS_CONTENT_TYPE = 'application/cloudevents+json';

/** who wants to know what is persisted, and when, without asking the edge */
export const RECEIPTS_STREAM = 'MILLRACE_RECEIPTS';
export const RECEIPTS_SUBJECTS = 'millrace.receipts.>';

export function receiptSubject(tenant: string, sessionId: string): string {
  return `millrace.receipts.${tenant}.${sessionId}`;
}

/** request and reply between Uplink and whoever answers operators */
export const ADMIN_SUBJECT = 'millrace.admin';
export const ADMIN_QUEUE = 'admin';

/** request and reply between who redrives a dead letter and the workers of the consumer that buried it, one of which takes it */
export function redriveSubject(consumer: string): string {
  return `millrace.redrive.${consumer}`;
}

/** who did what by hand, and when: a line each */
export const ADMIN_LOG_STREAM = 'MILLRACE_ADMIN_LOG';
export const ADMIN_LOG_SUBJECTS = 'millrace.admin-log.*';
export function adminLogSubject(tenant: string): string {
  return `millrace.admin-log.${tenant}`;
}

/** request and reply between Uplink and any process of the consumers: which of their parts are ready */
export const HEALTH_SUBJECT = 'millrace.query.health';
/** a question that every process of the consumers answers, for itself: which roles it has, and how they are */
export const PULSE_SUBJECT = 'millrace.pulse';

/** every stream there is (contract §5) */
export const STREAMS: readonly string[] = [
  EVENTS_STREAM,
  COMMANDS_STREAM,
  DEAD_LETTERS_STREAM,
  RECEIPTS_STREAM,
  ADMIN_LOG_STREAM,
];
