import type { Connection, Endpoint } from './connection.ts';

/** How one contestant is spoken to over bare WebSockets: everything else is the same for all. */
export interface Dialect {
  /** Makes the room, when that takes anything. */
  prepare(): Promise<void>;
  /** Where socket `index` connects; socket 0 … senders − 1 also send. */
  endpoint(index: number): Promise<Endpoint>;
  /** true when a socket gets the room's messages as soon as it is open; else `control` says `ready` */
  readyAtOpen: boolean;
  /** the frame that sends message `number`, whose text is `text` */
  send(number: number, text: string): string;
  /** Takes a frame that carries no message. */
  control(connection: Connection, payload: Buffer): Control;
  /** After a frame with `count` messages: whatever flow control the contestant asks of its clients. */
  delivered?(connection: Connection, payload: Buffer, count: number): void;
  /** Sends message `text` by HTTP and resolves when it was accepted; absent where there is no such door. */
  sendByHttp?(text: string): Promise<void>;
  close?(): void;
}

/** What a frame without messages said: the socket is ready, message `acked` was accepted, or nothing of interest. */
export type Control = { ready?: true; acked?: number } | undefined;
