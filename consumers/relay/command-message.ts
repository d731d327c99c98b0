import { IDEMPOTENCY_KEY_HEADER, isReplySubject, REPLY_HEADER } from '../../shared/contract/backend.ts';
import { BAD_IDEMPOTENCY_KEY, parseIdempotencyKey } from '../../shared/contract/idempotency-key.ts';
import type { RelayedCommand } from '../../shared/contract/internal.ts';
import { refusal, type Refusal } from '../../shared/core/codes.ts';
import { ID_PATTERN, TENANT_PATTERN } from '../../shared/core/ids.ts';
import { BODY_BYTES_MAX } from '../../shared/core/limits.ts';
import type { Incoming } from '../runtime/incoming.ts';

/** What is looked at of a message. */
export type CommandMessage = Pick<Incoming, 'subject' | 'data' | 'headers' | 'storedId'>;

export type ReadCommand = { ok: true; command: RelayedCommand } | { ok: false; refusal: Refusal };

/** What a reply subject begins with, by tenant; absent: any that is not the system's own. */
export type ReplyPrefix = (tenant: string) => string;

/** `template`: with `{tenant}` in it. */
export function replyPrefix(template: string | undefined): ReplyPrefix | undefined {
  return template === undefined ? undefined : (tenant) => template.replaceAll('{tenant}', tenant);
}

/**
 * What the edge is to be told of a message. Only what does not depend on the command is judged here, by the same codes: what
 * could not be passed on, or spoil the call for others. The rest is the edge's, as at every door.
 */
export function readCommand(incoming: CommandMessage, prefixOf?: ReplyPrefix): ReadCommand {
  const { tenant, sessionId } = placeOf(incoming);
  if (!TENANT_PATTERN.test(tenant) || !ID_PATTERN.test(sessionId)) {
    return refused('invalid_request', 'The subject must be millrace.commands.{tenant}.{sessionId}.');
  }
  const reply = headerOf(incoming, REPLY_HEADER);
  if (reply !== undefined && !isReplySubject(reply)) {
    return refused('invalid_request', `${REPLY_HEADER} must be a literal subject that is not of the system's own.`);
  }
  if (reply !== undefined && replySubjectOf(incoming, prefixOf) === undefined) {
    return refused('invalid_request', `${REPLY_HEADER} must begin with ${prefixOf?.(tenant) ?? ''}`);
  }
  const given = headerOf(incoming, IDEMPOTENCY_KEY_HEADER);
  const idempotencyKey = given === undefined ? derivedKey(incoming.storedId) : parseIdempotencyKey(given);
  if (idempotencyKey === undefined) return refused('invalid_request', BAD_IDEMPOTENCY_KEY);
  if (incoming.data.length > BODY_BYTES_MAX) {
    return refused('payload_too_large', `A command may have at most ${BODY_BYTES_MAX} bytes.`);
  }
  let payload: string;
  try {
    payload = new TextDecoder('utf-8', { fatal: true }).decode(incoming.data);
  } catch {
    return refused('invalid_request', 'The body is not UTF-8.');
  }
  // JSON has no other control characters than white space; those would be escaped sixfold, past the bound of a call
  if (CONTROL.test(payload)) return refused('invalid_request', 'The body is not JSON.');
  return { ok: true, command: { tenant, sessionId, idempotencyKey, payload } };
}

// eslint-disable-next-line no-control-regex -- it is about these
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/** The same for every delivery of a stored message, and for no other, also of a stream made again with the same sequences. */
export function derivedKey(storedId: string): string {
  return `nats:${storedId}`;
}

/** Where the answer goes. A subject that may not be replied to counts as none: the refusal, too, would go there. */
export function replySubjectOf(incoming: CommandMessage, prefixOf?: ReplyPrefix): string | undefined {
  const reply = headerOf(incoming, REPLY_HEADER);
  if (reply === undefined || !isReplySubject(reply)) return undefined;
  return prefixOf === undefined || reply.startsWith(prefixOf(placeOf(incoming).tenant)) ? reply : undefined;
}

function placeOf({ subject }: CommandMessage): { tenant: string; sessionId: string } {
  const [, , tenant = '', sessionId = ''] = subject.split('.');
  return { tenant, sessionId };
}

/** The first of that name, as NATS compares names: exactly. */
function headerOf(incoming: CommandMessage, name: string): string | undefined {
  return incoming.headers.find(([each]) => each === name)?.[1];
}

function refused(code: Refusal['code'], detail: string): ReadCommand {
  return { ok: false, refusal: refusal(code, detail) };
}
