import { setTimeout as sleep } from 'node:timers/promises';
import { accepted as acceptedSchema } from '../../scripts/replay/answers.ts';
import { answers, describeReply, type HttpClient, sessionPath, type SessionSocket } from '../../scripts/replay/client.ts';
import { retryAfterMs, retryDelayMs } from '../../scripts/replay/backoff.ts';
import { reasonOf } from '../../scripts/replay/http.ts';
import { type Accepted, digest, type Door, type Ledger } from './ledger.ts';

/** One command: as the socket takes it, and as HTTP does. */
export interface Operation {
  /** its idempotency key */
  key: string;
  session: string;
  user: string;
  command: string;
  /** of the socket's frame */
  data: Record<string, unknown>;
  method: string;
  path: string;
  body?: object;
  /** what its event must say */
  text?: string;
}

export interface Sender {
  http: HttpClient;
  /** absent: HTTP only */
  socket?: SessionSocket;
}

/** shorter than the client's own patience: a connection that swallows everything must not hold a lane for long */
const ATTEMPT_MS_MAX = 5_000;
const RETRIED_STATUS = new Set([429, 503]);
/** a proxy or the edge failed in the middle: nobody knows how far it came */
const UNKNOWN_STATUS = new Set([500, 502, 504]);
const RETRIED_CODES = new Set(['rate_limited', 'overloaded', 'unavailable']);

type Outcome =
  | { kind: 'accepted'; accepted: Accepted; replayed: boolean }
  | { kind: 'unknown'; why: string }
  | { kind: 'later'; why: string; afterMs: number }
  | { kind: 'refused'; why: string };

/** Tries until it is answered for good, by one door or the other, and writes every step down. Undefined: refused, or called off. */
export async function perform(
  operation: Operation,
  sender: Sender,
  ledger: Ledger,
  doorOf: () => Door,
  calledOff: AbortSignal,
): Promise<Accepted | undefined> {
  const { key, session, user, command, text } = operation;
  for (let attempt = 0; !calledOff.aborted; attempt += 1) {
    const door = sender.socket?.connected === true ? doorOf() : 'http';
    const said = text === undefined ? {} : { text: digest(text) };
    ledger.write({ kind: 'attempt', op: key, session, user, door, command, ...said });
    const outcome = door === 'http' ? await byHttp(operation, sender.http) : await bySocket(operation, sender);
    if (outcome.kind === 'accepted') {
      ledger.write({ kind: 'accepted', op: key, replayed: outcome.replayed, ...outcome.accepted });
      return outcome.accepted;
    }
    ledger.write({ kind: outcome.kind, op: key, why: outcome.why });
    if (outcome.kind === 'refused') return undefined;
    const delayMs = retryDelayMs(attempt, outcome.kind === 'later' ? outcome.afterMs : 0);
    await sleep(delayMs, undefined, { signal: calledOff }).catch(() => undefined);
  }
  return undefined;
}

async function byHttp({ key, method, path, body }: Operation, http: HttpClient): Promise<Outcome> {
  try {
    const signal = AbortSignal.timeout(ATTEMPT_MS_MAX);
    const input = { idempotencyKey: key, signal, ...(body === undefined ? {} : { body }) };
    const reply = await http.request(method, path, input);
    if (reply.status === 202) {
      const isReplayed = reply.headers.get('idempotent-replayed') === 'true';
      return { kind: 'accepted', accepted: only(acceptedSchema.parse(reply.body)), replayed: isReplayed };
    }
    const why = describeReply(reply);
    if (UNKNOWN_STATUS.has(reply.status)) return { kind: 'unknown', why };
    if (!RETRIED_STATUS.has(reply.status)) return { kind: 'refused', why };
    return { kind: 'later', why, afterMs: retryAfterMs(reply.headers.get('retry-after'), Date.now()) };
  } catch (error) {
    return { kind: 'unknown', why: reasonOf(error) };
  }
}

async function bySocket({ key, command, data }: Operation, { socket }: Sender): Promise<Outcome> {
  const late = sleep(ATTEMPT_MS_MAX, { kind: 'unknown' } as const, { ref: false });
  const outcome = (await Promise.race([socket?.command(command, data, key), late])) ?? { kind: 'unknown' };
  if (outcome.kind === 'ack') return { kind: 'accepted', accepted: only(outcome.accepted), replayed: outcome.replayed };
  if (outcome.kind === 'unknown') return { kind: 'unknown', why: 'no answer by the socket' };
  const { code, detail, retryAfterMs: afterMs = 0 } = outcome.problem;
  if (code === 'internal') return { kind: 'unknown', why: detail };
  return RETRIED_CODES.has(code)
    ? { kind: 'later', why: `${code}: ${detail}`, afterMs }
    : { kind: 'refused', why: `${code}: ${detail}` };
}

function only({ commandId, seq, eventId, entityId }: Accepted): Accepted {
  return { commandId, seq, eventId, entityId };
}

const READ_MS_MAX = 5_000;

/** Reads one's own message back at once (P5). Anything but an answer is tried again: it says nothing of what is there. */
export async function readOwn(
  { key, session, text }: Operation,
  entityId: string,
  http: HttpClient,
  ledger: Ledger,
  calledOff: AbortSignal,
): Promise<void> {
  for (let attempt = 0; !calledOff.aborted; attempt += 1) {
    const path = `${sessionPath(session)}/messages/${entityId}`;
    const reply = await http.request('GET', path, { signal: AbortSignal.timeout(READ_MS_MAX) }).catch(() => undefined);
    if (reply !== undefined && ![500, 502, 504].includes(reply.status)) {
      const parsed = answers.message.safeParse(reply.body);
      const isSeen = reply.status === 200 && parsed.success && parsed.data.text === text;
      ledger.write({ kind: 'own-read', op: key, isSeen, found: isSeen ? '' : describeReply(reply) });
      return;
    }
    await sleep(retryDelayMs(attempt, 0), undefined, { signal: calledOff }).catch(() => undefined);
  }
}
