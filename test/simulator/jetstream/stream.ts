import type { MsgHdrs } from '@nats-io/transport-node';
import type { World } from '../world.ts';
import type { SimulatedConsumer } from './consumer.ts';

/** what the server counts for a message besides subject and payload */
const FRAME_BYTES = 60;

export interface StoredMessage {
  seq: number;
  subject: string;
  data: Uint8Array;
  headers: MsgHdrs | undefined;
  msgId: string | undefined;
  atMs: number;
}

export interface StreamSettings {
  name: string;
  subjects: string[];
  bytesMax: number;
  duplicateWindowMs: number;
}

export class StreamFull extends Error {}

/** A stream as JetStream keeps it: messages by sequence, a window of message ids, and a part that is not on disk yet. */
export class SimulatedStream {
  readonly settings: StreamSettings;
  /** the server's own configuration of it, as who made it gave it */
  readonly config: object;
  readonly createdMs: number;
  readonly messages = new Map<number, StoredMessage>();
  readonly consumers = new Map<string, SimulatedConsumer>();
  firstSeq = 1;
  lastSeq = 0;
  /** what a crash of the server leaves for sure */
  syncedSeq = 0;
  bytes = 0;
  readonly #world: World;
  readonly #window = new Map<string, { seq: number; atMs: number }>();

  constructor(world: World, settings: StreamSettings, config: object, nowMs: number) {
    this.#world = world;
    this.settings = settings;
    this.config = config;
    this.createdMs = nowMs;
  }

  takes(subject: string): boolean {
    return this.settings.subjects.some((pattern) => subjectMatches(pattern, subject));
  }

  /** Throws StreamFull when it refuses: `discard: new`. */
  store(
    message: Omit<StoredMessage, 'seq' | 'atMs'>,
    nowMs: number,
    { full = false }: { full?: boolean } = {},
  ): { seq: number; duplicate: boolean } {
    const known = message.msgId === undefined ? undefined : this.#window.get(message.msgId);
    if (known !== undefined && known.atMs + this.settings.duplicateWindowMs > this.#world.nowMs) {
      return { seq: known.seq, duplicate: true };
    }
    const bytes = sizeOf(message);
    if (full || this.bytes + bytes > this.settings.bytesMax) throw new StreamFull('maximum bytes exceeded');
    this.lastSeq += 1;
    const seq = this.lastSeq;
    this.messages.set(seq, { ...message, seq, atMs: nowMs });
    this.bytes += bytes;
    if (message.msgId !== undefined) this.#window.set(message.msgId, { seq, atMs: this.#world.nowMs });
    for (const consumer of this.consumers.values()) consumer.pump();
    return { seq, duplicate: false };
  }

  /** Removes everything below a sequence; ids in the window stay, as the server keeps them until a restart. */
  purgeBelow(seq: number): number {
    let purged = 0;
    for (let at = this.firstSeq; at < seq && at <= this.lastSeq; at += 1) purged += this.#remove(at) ? 1 : 0;
    this.firstSeq = Math.max(this.firstSeq, Math.min(seq, this.lastSeq + 1));
    return purged;
  }

  remove(seq: number): boolean {
    const removed = this.#remove(seq);
    while (this.firstSeq <= this.lastSeq && !this.messages.has(this.firstSeq)) this.firstSeq += 1;
    return removed;
  }

  /** What a crash of the server forgets although it acknowledged it. */
  forgetUnsynced(): StoredMessage[] {
    const lost: StoredMessage[] = [];
    for (let seq = this.syncedSeq + 1; seq <= this.lastSeq; seq += 1) {
      const message = this.messages.get(seq);
      if (message === undefined) continue;
      lost.push(message);
      if (message.msgId !== undefined) this.#window.delete(message.msgId);
      this.#remove(seq);
    }
    this.lastSeq = Math.min(this.lastSeq, this.syncedSeq);
    this.firstSeq = Math.min(this.firstSeq, this.lastSeq + 1);
    return lost;
  }

  /** After a restart only the ids of messages that are still there are known. */
  restart(): void {
    for (const [id, { seq }] of this.#window) if (!this.messages.has(seq)) this.#window.delete(id);
  }

  #remove(seq: number): boolean {
    const message = this.messages.get(seq);
    if (message === undefined) return false;
    this.bytes -= sizeOf(message);
    return this.messages.delete(seq);
  }
}

function sizeOf({ subject, data }: Pick<StoredMessage, 'subject' | 'data'>): number {
  return subject.length + data.length + FRAME_BYTES;
}

/** `*` is one token, `>` all that follow. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  for (const [at, token] of wanted.entries()) {
    if (token === '>') return tokens.length > at;
    if (tokens[at] === undefined || (token !== '*' && token !== tokens[at])) return false;
  }
  return wanted.length === tokens.length;
}
