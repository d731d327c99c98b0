import {
  connect,
  credsAuthenticator,
  ErrorCode,
  headers,
  NatsError,
  nkeyAuthenticator,
  type Authenticator,
  type NatsConnection,
  type PubAck,
  type MsgHdrs,
} from 'nats.ws';
import { isUserSeed } from '../../shared/contract/nats-login.ts';
import { CLOUDEVENTS_CONTENT_TYPE, FROM_EDGE, FROM_HEADER } from '../../shared/contract/subjects.ts';
import { UPLINK_CALL_MS_MAX } from '../../shared/core/limits.ts';
import type { PublishFailure } from '../metrics/counts.ts';
import type { PublishItem, PublishOutcome, RequestOutcome } from './api.ts';

const CONNECT_MS_MAX = 1_500;
/** a half-open connection is noticed after this long, twice */
const PING_EVERY_MS = 5_000;
const PINGS_UNANSWERED_MAX = 2;
/** after a failed attempt to connect, calls fail at once for this long: an outage must not pin every Session */
const CONNECT_PAUSE_MS = 500;
/** the connection is let go when nobody called for this long: an outgoing WebSocket keeps the object awake and billed */
const IDLE_MS_MAX = 60_000;

export interface NatsLinkOptions {
  servers: string[];
  /** contents of a .creds file, or an NKEY seed */
  creds?: string;
  name: string;
}

/**
 * One NATS connection, made on demand and let go when idle. nats.ws would reconnect by itself, but a call must answer
 * within its bound whatever the server does, so a broken connection is dropped and the next call makes a new one.
 */
export class NatsLink {
  readonly #options: NatsLinkOptions;
  #connecting: Promise<NatsConnection> | undefined;
  #failedAtMs = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #calls = 0;

  constructor(options: NatsLinkOptions) {
    this.#options = options;
  }

  /** Publishes in order, pipelined; a PubAck says that JetStream stored it, or had it already (Nats-Msg-Id). */
  async publish(items: readonly PublishItem[]): Promise<PublishOutcome> {
    const untilMs = Date.now() + UPLINK_CALL_MS_MAX;
    try {
      const acked = await this.#use(untilMs, async (connection) => {
        const stream = connection.jetstream();
        const timeout = Math.max(1, untilMs - Date.now());
        const acks = await Promise.allSettled(
          items.map((item) => {
            const head = headers();
            head.set('Content-Type', CLOUDEVENTS_CONTENT_TYPE);
            return stream.publish(item.subject, item.payload, { msgID: item.id, headers: head, timeout });
          }),
        );
        return acks;
      });
      return outcomeOf(acked);
    } catch (error) {
      return { acked: 0, error: messageOf(error), reason: reasonOf(error, 'unreachable') };
    }
  }

  async request(subject: string, payload: string, traceparent?: string): Promise<RequestOutcome> {
    const untilMs = Date.now() + UPLINK_CALL_MS_MAX;
    try {
      const reply = await this.#use(untilMs, (connection) =>
        connection.request(subject, payload, { timeout: Math.max(1, untilMs - Date.now()), ...carrying(traceparent) }),
      );
      return { ok: true, payload: reply.string() };
    } catch (error) {
      return { ok: false, error: messageOf(error) };
    }
  }

  /** A core message, and a round trip behind it: the server has it when this resolves. Rejects within the bound. */
  async signal(subject: string, payload: string): Promise<void> {
    const head = headers();
    head.set(FROM_HEADER, FROM_EDGE);
    await this.#use(Date.now() + UPLINK_CALL_MS_MAX, async (connection) => {
      connection.publish(subject, payload, { headers: head });
      await connection.flush();
    });
  }

  async health(): Promise<boolean> {
    try {
      await this.#use(Date.now() + UPLINK_CALL_MS_MAX, (connection) => connection.flush());
      return true;
    } catch {
      return false;
    }
  }

  /** Runs a call on the connection; never longer than until `untilMs`. */
  async #use<T>(untilMs: number, call: (connection: NatsConnection) => Promise<T>): Promise<T> {
    this.#calls += 1;
    clearTimeout(this.#idle);
    try {
      const connection = await before(untilMs, this.#connection());
      return await before(untilMs, call(connection));
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0) this.#idle = setTimeout(() => this.#letGo(), IDLE_MS_MAX);
    }
  }

  #connection(): Promise<NatsConnection> {
    if (this.#connecting !== undefined) return this.#connecting;
    if (Date.now() - this.#failedAtMs < CONNECT_PAUSE_MS) return Promise.reject(new Error('NATS was out of reach a moment ago'));
    const made = connect({
      servers: this.#options.servers,
      name: this.#options.name,
      timeout: CONNECT_MS_MAX,
      reconnect: false,
      pingInterval: PING_EVERY_MS,
      maxPingOut: PINGS_UNANSWERED_MAX,
      ...(this.#options.creds === undefined ? {} : { authenticator: authenticatorOf(this.#options.creds) }),
    });
    this.#connecting = made;
    const forget = (): void => {
      if (this.#connecting === made) this.#connecting = undefined;
    };
    made.then(
      (connection) => {
        connection.closed().then(forget, forget);
      },
      () => {
        this.#failedAtMs = Date.now();
        forget();
      },
    );
    return made;
  }

  #letGo(): void {
    const connecting = this.#connecting;
    if (connecting === undefined || this.#calls > 0) return;
    this.#connecting = undefined;
    connecting.then((connection) => connection.close()).catch(() => undefined);
  }
}

function authenticatorOf(creds: string): Authenticator {
  const bytes = new TextEncoder().encode(creds.trim());
  return isUserSeed(creds) ? nkeyAuthenticator(bytes) : credsAuthenticator(bytes);
}

/** Only the leading acknowledged items count: what is behind a hole is published again and deduplicated by its id. */
function outcomeOf(acks: readonly PromiseSettledResult<PubAck>[]): PublishOutcome {
  const leading: PubAck[] = [];
  for (const ack of acks) {
    if (ack.status === 'rejected') {
      return { ...said(leading), error: messageOf(ack.reason), reason: reasonOf(ack.reason, 'refused') };
    }
    leading.push(ack.value);
  }
  return said(leading);
}

function said(acks: readonly PubAck[]): PublishOutcome {
  const duplicates = acks.flatMap((ack, index) => (ack.duplicate ? [index] : []));
  return {
    acked: acks.length,
    ...(acks.length === 0 ? {} : { streamSeq: Math.min(...acks.map((ack) => ack.seq)) }),
    ...(duplicates.length === 0 ? {} : { duplicates }),
  };
}

class LateError extends Error {
  constructor() {
    super('NATS did not answer in time');
  }
}

function carrying(traceparent: string | undefined): { headers?: MsgHdrs } {
  if (traceparent === undefined) return {};
  const head = headers();
  head.set('traceparent', traceparent);
  return { headers: head };
}

async function before<T>(untilMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new LateError()), Math.max(1, untilMs - Date.now()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** JetStream's own error codes (nats-server errors.json) of a stream, or an account, that has no room */
const NO_ROOM: ReadonlySet<number> = new Set([10002, 10023, 10047, 10077, 10122]);

const REASONS: ReadonlyMap<string, PublishFailure> = new Map([
  [ErrorCode.Timeout, 'timeout'],
  [ErrorCode.ConnectionTimeout, 'timeout'],
  [ErrorCode.NoResponders, 'no_stream'],
  [ErrorCode.ConnectionRefused, 'unreachable'],
  [ErrorCode.ConnectionClosed, 'unreachable'],
  [ErrorCode.Disconnect, 'unreachable'],
]);

/** Why, for metrics: by codes, for texts change. */
function reasonOf(error: unknown, otherwise: PublishFailure): PublishFailure {
  if (error instanceof LateError) return 'timeout';
  if (!(error instanceof NatsError)) return otherwise;
  if (error.api_error !== undefined) return NO_ROOM.has(error.api_error.err_code ?? 0) ? 'stream_full' : 'refused';
  const reason = REASONS.get(error.code);
  if (reason !== undefined) return reason;
  return error.chainedError === undefined ? otherwise : reasonOf(error.chainedError, otherwise);
}

/** What JetStream refused is told by a bare code, and says why in what it wraps. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error instanceof NatsError ? error.chainedError?.message : undefined;
  return cause === undefined ? error.message : `${error.message} ${cause}`;
}
