/** NATS names (contract §5). Ids are validated before they come here: a token never holds `.`, `*` or `>`. */
export const EVENTS_STREAM = 'MILLRACE_EVENTS';
export const DEAD_LETTERS_STREAM = 'MILLRACE_DEAD_LETTERS';
export const EVENTS_SUBJECTS = 'millrace.events.>';
export const DEAD_LETTERS_SUBJECTS = 'millrace.dead.>';
/** request and reply between Uplink and the query consumers */
export const QUERY_SUBJECT = 'millrace.query.history';
export const QUERY_QUEUE = 'query';

/** `millrace.events.{tenant}.{type}.{sessionId}`: the type's dot makes two tokens of it */
export function eventSubject(tenant: string, type: string, sessionId: string): string {
  return `millrace.events.${tenant}.${type}.${sessionId}`;
}

export function deadLetterSubject(consumer: string): string {
  return `millrace.dead.${consumer}`;
}

export const CLOUDEVENTS_CONTENT_TYPE = 'application/cloudevents+json';
