/** The client that replay uses too, and what tests of the whole system want beside it. No test runner is imported here. */
export {
  answers,
  describeReply,
  HttpClient,
  readEvents,
  readMessages,
  sessionPath,
  SessionSocket,
  UnexpectedReply,
} from '../../scripts/replay/client.ts';
export type { SocketOutcome } from '../../scripts/replay/client.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  accepted,
  commandStatus,
  message,
  type Accepted,
  type CommandStatus,
  type Message,
  type WireEvent,
} from '../../scripts/replay/answers.ts';
import { HttpClient, sessionPath, SessionSocket, UnexpectedReply, type Reply } from '../../scripts/replay/client.ts';

const POLL_MS = 50;
const WAIT_MS_DEFAULT = 30_000;

/** Asks until the answer is not undefined or false, and returns it. Throws with `what` when it is not so within `withinMs`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = WAIT_MS_DEFAULT,
): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(POLL_MS);
  }
}

/** One user of one system. Commands return the 202 body and throw UnexpectedReply for anything else. */
export class User {
  readonly http: HttpClient;
  readonly #sockets: SessionSocket[] = [];

  constructor(url: string, token: string, patienceMs = 60_000) {
    this.http = new HttpClient({ url, token, patienceMs });
  }

  async create(body: { id?: string; title: string; members?: { userId: string; role: string }[] }): Promise<Accepted> {
    return this.command('POST', '/v1/sessions', body);
  }

  async send(sessionId: string, text: string, more: object = {}, key: string = crypto.randomUUID()): Promise<Accepted> {
    return this.command('POST', `${sessionPath(sessionId)}/messages`, { text, ...more }, key);
  }

  async edit(sessionId: string, messageId: string, text: string): Promise<Accepted> {
    return this.command('PATCH', `${sessionPath(sessionId)}/messages/${messageId}`, { text });
  }

  async deleteMessage(sessionId: string, messageId: string): Promise<Accepted> {
    return this.command('DELETE', `${sessionPath(sessionId)}/messages/${messageId}`);
  }

  /** Any command; with a key by default, so that it may be repeated through outages. */
  async command(method: string, path: string, body?: unknown, key: string = crypto.randomUUID()): Promise<Accepted> {
    const reply = await this.http.expect(202, method, path, { ...(body === undefined ? {} : { body }), idempotencyKey: key });
    return accepted.parse(reply.body);
  }

  async status(sessionId: string, commandId: string): Promise<CommandStatus> {
    return commandStatus.parse((await this.get(`${sessionPath(sessionId)}/commands/${commandId}`)).body);
  }

  async message(sessionId: string, messageId: string): Promise<Message> {
    return message.parse((await this.get(`${sessionPath(sessionId)}/messages/${messageId}`)).body);
  }

  /** GET that must be 200. */
  async get(path: string): Promise<Reply> {
    return this.http.expect(200, 'GET', path);
  }

  /** Waits until the command is persisted. */
  async persisted(sessionId: string, commandId: string, withinMs = 60_000): Promise<CommandStatus> {
    return until(
      `command ${commandId} is persisted`,
      async () => {
        const status = await this.status(sessionId, commandId);
        return status.status === 'persisted' && status;
      },
      withinMs,
    );
  }

  /** Opens a socket that resumes for as long as the test runs; `close` closes it. */
  async watch(sessionId: string, after?: number): Promise<Watched> {
    const events: WireEvent[] = [];
    const faults: string[] = [];
    const socket = new SessionSocket({
      http: this.http,
      sessionId,
      ...(after === undefined ? {} : { after }),
      // the server's events are compared whole by whoever looks at them
      onEvent: (event) => events.push(event as WireEvent),
      onFault: (what) => faults.push(what),
    });
    this.#sockets.push(socket);
    await socket.open();
    return { socket, events, faults };
  }

  async close(): Promise<void> {
    await Promise.all(this.#sockets.splice(0).map((socket) => socket.close()));
  }
}

export interface Watched {
  socket: SessionSocket;
  events: WireEvent[];
  faults: string[];
}

/** The problem code of a refusal, or undefined when the command was taken. */
export async function refusalOf(attempt: Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    if (!(error instanceof UnexpectedReply)) throw error;
    const { body } = error.reply;
    return typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : String(error.reply.status);
  }
}
