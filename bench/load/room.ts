import { Connection } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { messageText, scanMessages } from './messages.ts';

/** a room takes no more messages than this: the phases end long before */
export const ROOM_MESSAGES_MAX = 1_000_000;
const CONNECTING_AT_ONCE_MAX = 16;
const OPEN_MS_MAX = 60_000;
/** one received text in so many is compared byte by byte */
const COMPARED_EVERY_DELIVERIES = 997;

/** The sockets of one room: sends, counts what each socket gets, and proves at the end that all got the same. */
export class Room {
  readonly sockets: Connection[] = [];
  sent = 0;
  acked = 0;
  /** messages received, over all sockets */
  deliveries = 0;
  /** of each message, by `performance.now()` */
  readonly sentAt = new Float64Array(ROOM_MESSAGES_MAX);
  onAck: (number: number) => void = () => {};
  /** called for each message that each socket gets */
  onDelivery: ((number: number) => void) | undefined;
  /** called after each frame that carried messages */
  onFrame: (() => void) | undefined;
  readonly #dialect: Dialect;
  readonly #senders: number;
  readonly #counts: Uint32Array;
  /** of each socket, over the numbers in the order received */
  readonly #hashes: Int32Array;
  #failure: Error | undefined;
  #onFailure: (error: Error) => void = () => {};

  constructor(dialect: Dialect, sockets: number, senders: number) {
    this.#dialect = dialect;
    this.#senders = senders;
    this.#counts = new Uint32Array(sockets);
    this.#hashes = new Int32Array(sockets);
  }

  /** Makes the room and opens its sockets, a few at once. */
  async open(): Promise<void> {
    await this.#dialect.prepare();
    let next = 0;
    const opener = async (): Promise<void> => {
      while (next < this.#counts.length) await this.#openSocket(next++);
    };
    await this.until(Promise.all(Array.from({ length: CONNECTING_AT_ONCE_MAX }, opener)), OPEN_MS_MAX, 'the sockets to open');
  }

  /** Sends the next message, each from another sender, and returns its number. */
  send(): number {
    const number = this.#next();
    this.sentAt[number] = performance.now();
    (this.sockets[number % this.#senders] as Connection).send(this.#dialect.send(number, messageText(number)));
    return number;
  }

  /** Sends the next message by HTTP; resolves when it was accepted. */
  async sendByHttp(): Promise<void> {
    if (this.#dialect.sendByHttp === undefined) throw new Error('this contestant takes no messages by HTTP');
    const number = this.#next();
    const accepted = this.#dialect.sendByHttp(messageText(number));
    this.sentAt[number] = performance.now();
    await accepted;
  }

  get hasHttp(): boolean {
    return this.#dialect.sendByHttp !== undefined;
  }

  /** every socket got every message */
  get complete(): boolean {
    return this.deliveries === this.sent * this.sockets.length;
  }

  /** Rejects when a connection fails, or after `limitMs`, with what was missing. */
  async until<T>(pending: Promise<T>, limitMs: number, what: string): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    let timer: NodeJS.Timeout | undefined;
    const failed = new Promise<never>((_, reject) => {
      this.#onFailure = reject;
      const missing = (): string =>
        `${this.sent} sent, ${this.acked} acknowledged, ${this.deliveries} delivered to ${this.sockets.length} sockets`;
      timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms for ${what}: ${missing()}`)), limitMs);
    });
    try {
      return await Promise.race([pending, failed]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Throws unless every socket got every message once, and all in the same order. */
  verify(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const wrong = this.#counts.findIndex((count) => count !== this.sent);
    if (wrong !== -1) throw new Error(`socket ${wrong} got ${this.#counts[wrong]} messages of ${this.sent}`);
    const strayed = this.#hashes.findIndex((hash) => hash !== this.#hashes[0]);
    if (strayed !== -1) throw new Error(`socket ${strayed} got other messages, or another order, than socket 0`);
  }

  get bytesReceived(): number {
    return this.sockets.reduce((sum, each) => sum + each.bytesReceived, 0);
  }

  get framesReceived(): number {
    return this.sockets.reduce((sum, each) => sum + each.framesReceived, 0);
  }

  close(): void {
    for (const each of this.sockets) each.close();
    this.#dialect.close?.();
  }

  #next(): number {
    if (this.sent >= ROOM_MESSAGES_MAX) throw new Error(`more than ${ROOM_MESSAGES_MAX} messages in one room`);
    const number = this.sent;
    this.sent += 1;
    return number;
  }

  async #openSocket(index: number): Promise<void> {
    const connection = new Connection();
    this.sockets[index] = connection;
    connection.onFailure = (error) => {
      this.#failure ??= new Error(`socket ${index}: ${error.message}`);
      this.#onFailure(this.#failure);
    };
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    connection.onText = (payload) => this.#onText(connection, index, payload, resolve);
    await connection.open(await this.#dialect.endpoint(index));
    if (!this.#dialect.readyAtOpen) await ready;
  }

  #onText(connection: Connection, index: number, payload: Buffer, ready: () => void): void {
    const count = scanMessages(payload, (number) => this.#onMessage(index, number));
    if (count === 0) {
      const control = this.#dialect.control(connection, payload);
      if (control?.ready === true) ready();
      if (control?.acked === undefined) return;
      this.acked += 1;
      this.onAck(control.acked);
      return;
    }
    if (this.deliveries % COMPARED_EVERY_DELIVERIES < count) this.#compare(payload);
    this.#dialect.delivered?.(connection, payload, count);
    this.onFrame?.();
  }

  #onMessage(index: number, number: number): void {
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#hashes[index] = (Math.imul(this.#hashes[index] as number, 31) + number) | 0;
    this.deliveries += 1;
    this.onDelivery?.(number);
  }

  #compare(payload: Buffer): void {
    scanMessages(payload, (number) => {
      if (!payload.includes(messageText(number))) throw new Error(`the text of message ${number} was changed on the way`);
    });
  }
}
