import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../load/connection.ts';
import { HttpClient } from '../load/http-client.ts';
import { messageText } from '../load/messages.ts';
import { tokenOf, userId } from '../load/token.ts';
import type { Counts } from './usage.ts';

const CONNECTIONS_MAX = 8;
/** something that is waited for may take so long on a busy machine */
const CONDITION_MS_MAX = 60_000;
const LOOK_MS = 50;
/** receipts and news of a step are all there when nothing was counted for so long */
const QUIET_MS = 3_000;

export interface CountedSystem {
  url: string;
  jwtSecret: string;
}

/** A session of an edge that counts, and what can be done to it. Users are `bench-0`, its owner, and on. */
export class CountedSession {
  readonly id = `cost-${randomUUID()}`;
  readonly #system: CountedSystem;
  readonly #http: HttpClient;
  readonly #sockets: Connection[] = [];
  #sent = 0;

  constructor(system: CountedSystem) {
    this.#system = system;
    this.#http = new HttpClient(system.url, CONNECTIONS_MAX);
  }

  async create(members: number): Promise<void> {
    const others = Array.from({ length: members - 1 }, (_, index) => ({ userId: userId(index + 1), role: 'member' }));
    await this.#post('/v1/sessions', { id: this.id, title: 'cost', members: others });
  }

  /** One message over HTTP. */
  async send(): Promise<string> {
    const body = await this.#post(`${this.#path}/messages`, { text: messageText(this.#sent) });
    this.#sent += 1;
    return (JSON.parse(body) as { entityId: string }).entityId;
  }

  async react(messageId: string): Promise<void> {
    const token = await tokenOf(userId(0), this.#system.jwtSecret);
    const answer = await this.#http.put(`${this.#path}/messages/${messageId}/reactions/%F0%9F%91%8D`, token, {});
    if (answer.status !== 202) throw new Error(`a reaction: ${answer.status} ${answer.body.slice(0, 400)}`);
  }

  /** Opens a socket by a ticket, as a browser does. */
  async connect(user: number): Promise<Connection> {
    const { ticket } = JSON.parse(await this.#post(`${this.#path}/tickets`, {}, 201, user)) as { ticket: string };
    const { hostname, port } = new URL(this.#system.url);
    const connection = new Connection();
    const welcomed = Promise.withResolvers<void>();
    connection.onText = () => welcomed.resolve();
    connection.onFailure = (error) => welcomed.reject(error);
    await connection.open({
      host: hostname,
      port: Number(port),
      path: `${this.#path}/socket`,
      protocols: ['millrace.v1', `ticket.${ticket}`],
    });
    await welcomed.promise;
    this.#sockets.push(connection);
    return connection;
  }

  /** Sends commands by a socket, `everyMs` apart, and resolves when all were acknowledged. */
  async commands(connection: Connection, commands: readonly { command: string; data: object }[], everyMs: number): Promise<void> {
    const all = Promise.withResolvers<void>();
    let acked = 0;
    connection.onFailure = all.reject;
    connection.onText = (payload) => {
      const frame = JSON.parse(payload.toString()) as { type: string; error?: unknown };
      if (frame.type === 'reject') all.reject(new Error(`a command was rejected: ${JSON.stringify(frame.error)}`));
      if (frame.type === 'ack') acked += 1;
      if (acked === commands.length) all.resolve();
    };
    for (const [index, { command, data }] of commands.entries()) {
      connection.send(JSON.stringify({ type: 'command', id: String(index), command, data }));
      if (everyMs > 0) await sleep(everyMs);
    }
    await within(all.promise, 'acknowledgements');
  }

  async counts(): Promise<Counts> {
    return JSON.parse((await this.#http.get('/bench/counts', '')).body) as Counts;
  }

  /** Lets time pass for the session, in a moment: its alarms ring. */
  async pass(ms: number): Promise<void> {
    const answer = await this.#http.get(`/bench/pass?session=${this.id}&ms=${ms}`, '');
    if (answer.status !== 200) throw new Error(`time does not pass: ${answer.status} ${answer.body.slice(0, 400)}`);
  }

  /** The counts once the step has had all its receipts and nothing is counted any more. */
  async settled(receiptsMin: number): Promise<Counts> {
    const deadline = performance.now() + CONDITION_MS_MAX;
    let last = await this.counts();
    let sinceMs = performance.now();
    for (;;) {
      await sleep(LOOK_MS);
      const now = await this.counts();
      if (Object.entries(now).some(([name, count]) => last[name] !== count)) {
        last = now;
        sinceMs = performance.now();
      }
      const done = (now['Session.calls.takeReceipt'] ?? 0) >= receiptsMin;
      if (done && performance.now() - sinceMs > QUIET_MS) return now;
      if (performance.now() > deadline) throw new Error(`not settled within ${CONDITION_MS_MAX} ms: ${JSON.stringify(now)}`);
    }
  }

  disconnect(): void {
    for (const each of this.#sockets.splice(0)) each.close();
  }

  close(): void {
    this.disconnect();
    this.#http.close();
  }

  get #path(): string {
    return `/v1/sessions/${this.id}`;
  }

  async #post(path: string, body: object, status = 202, user = 0): Promise<string> {
    const token = await tokenOf(userId(user), this.#system.jwtSecret);
    const answer = await this.#http.post(path, token, body);
    if (answer.status !== status) throw new Error(`POST ${path}: ${answer.status} ${answer.body.slice(0, 400)}`);
    return answer.body;
  }
}

async function within<T>(pending: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${CONDITION_MS_MAX} ms`)), CONDITION_MS_MAX);
  });
  try {
    return await Promise.race([pending, late]);
  } finally {
    clearTimeout(timer);
  }
}
