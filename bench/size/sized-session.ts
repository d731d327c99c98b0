import { Connection } from '../load/connection.ts';
import { millraceDialect } from '../load/dialect-millrace.ts';
import { HttpClient } from '../load/http-client.ts';
import { messageText } from '../load/messages.ts';
import { Room } from '../load/room.ts';
import { tokenOf, userId } from '../load/token.ts';

/** events a reader missed before it resumes */
export const MISSED_EVENTS = 10;
export const PAGE_MESSAGES = 50;

const SEED_IN_FLIGHT_MAX = 512;
/** without progress for longer, seeding has failed */
const SEED_MS_MAX = 600_000;
const RESUME_MS_MAX = 15_000;
const HTTP_CONNECTIONS_MAX = 2;
/** pages around the middle that are asked for in turn */
const CURSORS_MAX = 20;
const STEP_MESSAGES_MAX = 100;
const STEP_MESSAGES_MIN = 5;

export interface System {
  url: string;
  jwtSecret: string;
}

/** A session of a known size, and the three operations whose cost must not depend on it. */
export class SizedSession {
  readonly id: string;
  readonly #system: System;
  readonly #http: HttpClient;
  #token = '';
  #epoch = '';
  #sent = 0;
  #head = 0;
  #cursors: string[] = [];
  #pages = 0;

  constructor(system: System, id: string) {
    this.id = id;
    this.#system = system;
    this.#http = new HttpClient(system.url, HTTP_CONNECTIONS_MAX);
  }

  get head(): number {
    return this.#head;
  }

  /** Fills it through a socket until it has `events` events. */
  async seed(events: number): Promise<void> {
    this.#token = await tokenOf(userId(0), this.#system.jwtSecret);
    const { url, jwtSecret } = this.#system;
    const room = new Room(millraceDialect({ url, room: this.id, senders: 1, jwtSecret }), 1, 1);
    try {
      await room.open();
      const { promise: filled, resolve } = Promise.withResolvers<void>();
      // its session.created is the first
      const messages = events - 1;
      const pump = (): void => {
        while (room.sent < messages && room.sent - room.deliveries < SEED_IN_FLIGHT_MAX) room.send();
        if (room.deliveries === messages) resolve();
      };
      room.onFrame = pump;
      pump();
      await room.until(filled, SEED_MS_MAX, `${events} events`);
      room.verify();
    } finally {
      room.close();
    }
    const session = await this.#get<{ head: number; epoch: string }>('');
    if (session.head !== events) throw new Error(`the session has ${session.head} events instead of ${events}`);
    this.#head = session.head;
    this.#epoch = session.epoch;
  }

  /** Makes it, and puts members into it until there are so many, its owner among them. */
  async people(members: number): Promise<void> {
    this.#token = await tokenOf(userId(0), this.#system.jwtSecret);
    const created = await this.#http.post('/v1/sessions', this.#token, { id: this.id, title: 'bench' });
    if (created.status !== 202) throw new Error(`a session: ${created.status} ${created.body.slice(0, 400)}`);
    const connection = new Connection();
    const done = Promise.withResolvers<void>();
    let [sent, acked] = [1, 1];
    const pump = (): void => {
      for (; sent < members && sent - acked < SEED_IN_FLIGHT_MAX; sent += 1) {
        const data = { userId: userId(sent), role: 'member' };
        connection.send(JSON.stringify({ type: 'command', id: String(sent), command: 'member.put', data }));
      }
      if (acked === members) done.resolve();
    };
    connection.onFailure = done.reject;
    connection.onText = (payload) => {
      const text = payload.toString();
      if (text.startsWith('{"type":"reject"')) done.reject(new Error(text.slice(0, 400)));
      const last = text.startsWith('{"type":"events"') ? /.*"seq":(\d+)/s.exec(text)?.[1] : undefined;
      if (last !== undefined) connection.send(JSON.stringify({ type: 'received', seq: Number(last) }));
      if (text.startsWith('{"type":"ack"')) acked += 1;
      pump();
    };
    const timer = setTimeout(() => done.reject(new Error(`${acked} of ${members} members in ${SEED_MS_MAX} ms`)), SEED_MS_MAX);
    try {
      const { hostname, port } = new URL(this.#system.url);
      await connection.open({ host: hostname, port: Number(port), path: `${this.#path}/socket`, token: this.#token });
      pump();
      await done.promise;
    } finally {
      clearTimeout(timer);
      connection.close();
    }
    const session = await this.#get<{ head: number; epoch: string }>('');
    this.#head = session.head;
    this.#epoch = session.epoch;
  }

  /** The newest messages. */
  async newest(): Promise<void> {
    await this.#get(`/messages?limit=${PAGE_MESSAGES}`);
  }

  /** Walks back to the pages whose newest message stands within these seqs, and remembers where they begin. */
  async findPages(fromSeq: number, toSeq: number): Promise<void> {
    const cursors: string[] = [];
    let before: string | undefined;
    for (let next = this.#head; next > fromSeq && cursors.length < CURSORS_MAX;) {
      // in large steps to the first page, in small ones from there
      const step = next - toSeq > STEP_MESSAGES_MAX ? STEP_MESSAGES_MAX : STEP_MESSAGES_MIN;
      const from: string = before === undefined ? '' : `&before=${before}`;
      const page = await this.#get<{ items: { seq: number }[]; nextCursor?: string }>(`/messages?limit=${step}${from}`);
      const oldest = page.items.at(-1)?.seq;
      if (page.nextCursor === undefined || oldest === undefined) break;
      before = page.nextCursor;
      next = oldest;
      if (next <= toSeq) cursors.push(before);
    }
    if (cursors.length === 0) throw new Error(`no page between ${fromSeq} and ${toSeq}`);
    this.#cursors = cursors;
  }

  /** Whether the edge still has this event, which a socket that asks for it is told. */
  async isInTail(seq: number): Promise<boolean> {
    const { recovered } = await this.#open(seq - 1, () => true);
    return recovered;
  }

  async command(): Promise<void> {
    const answer = await this.#http.post(`${this.#path}/messages`, this.#token, { text: messageText(this.#sent) });
    if (answer.status !== 202) throw new Error(`a command: ${answer.status} ${answer.body.slice(0, 400)}`);
    this.#sent += 1;
    this.#head = (JSON.parse(answer.body) as { seq: number }).seq;
  }

  async page(): Promise<void> {
    const before = this.#cursors[this.#pages % this.#cursors.length];
    this.#pages += 1;
    const { items } = await this.#get<{ items: unknown[] }>(`/messages?limit=${PAGE_MESSAGES}&before=${before}`);
    if (items.length !== PAGE_MESSAGES) throw new Error(`a page of ${items.length} messages`);
  }

  /** From the connection to the last of the events that were missed. */
  async resume(missed: number = MISSED_EVENTS): Promise<void> {
    const { recovered, events } = await this.#open(this.#head - missed, (seen) => seen >= missed);
    if (!recovered || events !== missed) throw new Error(`a resume with ${events} events, recovered: ${recovered}`);
  }

  close(): void {
    this.#http.close();
  }

  get #path(): string {
    return `/v1/sessions/${this.id}`;
  }

  async #get<T>(path: string): Promise<T> {
    const answer = await this.#http.get(`${this.#path}${path}`, this.#token);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${answer.body.slice(0, 400)}`);
    // the bench reads what the contract promises; a wrong shape fails where it is used
    return JSON.parse(answer.body) as T;
  }

  /** Opens a socket after `after`, and closes it once it is done: after its welcome, with so many events. */
  async #open(after: number, isDone: (events: number) => boolean): Promise<{ recovered: boolean; events: number }> {
    const { hostname, port } = new URL(this.#system.url);
    const connection = new Connection();
    const { promise, resolve, reject } = Promise.withResolvers<{ recovered: boolean; events: number }>();
    const timer = setTimeout(() => reject(new Error(`no resume within ${RESUME_MS_MAX} ms`)), RESUME_MS_MAX);
    let recovered: boolean | undefined;
    let events = 0;
    connection.onFailure = reject;
    connection.onText = (payload) => {
      const frame = JSON.parse(payload.toString()) as { type: string; recovered?: boolean; events?: { seq: number }[] };
      if (frame.type === 'welcome') recovered = frame.recovered;
      if (frame.type === 'events') {
        events += frame.events?.length ?? 0;
        // a large resume is more than a window
        connection.send(JSON.stringify({ type: 'received', seq: frame.events?.at(-1)?.seq }));
      }
      if (recovered !== undefined && (!recovered || isDone(events))) resolve({ recovered, events });
    };
    try {
      const path = `${this.#path}/socket?after=${after}&epoch=${encodeURIComponent(this.#epoch)}`;
      await connection.open({ host: hostname, port: Number(port), path, token: this.#token });
      return await promise;
    } finally {
      clearTimeout(timer);
      connection.close();
    }
  }
}
