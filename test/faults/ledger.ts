import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { canonicalJson } from '../../shared/core/text.ts';

/** Everything that anybody was told, one JSON object a line, in the order in which it happened here: what is judged afterwards. */
export type Line =
  /** one try of one command; all tries of it have its name in `op`, which is its idempotency key too */
  | { kind: 'attempt'; op: string; session: string; user: string; door: Door; command: string; text?: string }
  | ({ kind: 'accepted'; op: string; replayed: boolean } & Accepted)
  /** no answer, or one that does not say what happened */
  | { kind: 'unknown'; op: string; why: string }
  /** refused, and may be taken later */
  | { kind: 'later'; op: string; why: string }
  /** refused for good */
  | { kind: 'refused'; op: string; why: string }
  | { kind: 'own-read'; op: string; isSeen: boolean; found: string }
  | { kind: 'connecting'; socket: string; session: string; after: number }
  | { kind: 'welcome'; socket: string; from: number; recovered: boolean; epoch: string }
  | { kind: 'frame'; socket: string; events: SeenEvent[] }
  /** read over HTTP after `recovered: false` */
  | { kind: 'refill'; socket: string; events: SeenEvent[] }
  | { kind: 'socket-fault'; socket: string; why: string }
  | { kind: 'fault'; name: string; step: 'begins' | 'ends' | 'failed'; why?: string }
  /** an event that nobody can read, published by nobody who was answered */
  | { kind: 'poison'; payload: string }
  /** after all was mended: a dead letter, and what HTTP says */
  | { kind: 'letter'; consumer: string; payload: string }
  | { kind: 'log'; session: string; head: number; epoch: string; events: LoggedEvent[] }
  | { kind: 'messages'; session: string; messages: ReadMessage[] }
  | { kind: 'status'; op: string; status: string }
  /** and what each read model holds, compared with what it should */
  | {
      kind: 'read-model';
      name: string;
      session: string;
      checked: number;
      missing: number;
      extra: number;
      different: number;
      first: string[];
    };

export type Door = 'http' | 'socket';

export interface Accepted {
  commandId: string;
  seq: number;
  eventId: string | null;
  entityId: string;
}

/** seq, id, and what distinguishes the event: of the envelope, and of its data, which may be erased later */
export type SeenEvent = [seq: number, id: string, envelope: string, data: string];

export interface LoggedEvent {
  seen: SeenEvent;
  type: string;
  /** the command that caused it */
  commandId: string;
  entityId: string;
  /** digest of the text, of events that have one */
  text?: string;
  isErased: boolean;
}

export interface ReadMessage {
  id: string;
  seq: number;
  text: string;
  isDeleted: boolean;
}

const DIGEST_CHARS = 16;

/** Enough to tell things apart; whole events would make the ledger five times as long. */
export function digest(value: unknown): string {
  const text = typeof value === 'string' ? value : canonicalJson(value);
  return createHash('sha256').update(text).digest('base64url').slice(0, DIGEST_CHARS);
}

export function seenEvent(event: { seq: number }): SeenEvent {
  const { data, ...envelope } = event as { seq: number; id?: unknown; data?: unknown };
  return [event.seq, String(envelope.id), digest(envelope), digest(data)];
}

/** Lines go to the file in the order of the calls. */
export class Ledger {
  readonly path: string;
  readonly #file: WriteStream;
  #failed: Error | undefined;
  lines = 0;

  constructor(path: string) {
    this.path = path;
    this.#file = createWriteStream(path);
    this.#file.on('error', (error) => (this.#failed = error));
  }

  write(line: Line): void {
    this.lines += 1;
    this.#file.write(`${JSON.stringify({ at: Date.now(), ...line })}\n`);
  }

  /** Rejects when a line could not be written: then nothing can be judged. */
  async close(): Promise<void> {
    this.#file.end();
    if (this.#failed === undefined) await once(this.#file, 'close');
    if (this.#failed !== undefined) throw this.#failed;
  }
}

export async function* readLedger(path: string): AsyncGenerator<Line> {
  // whoever wrote it is above
  for await (const line of createInterface({ input: createReadStream(path) })) yield JSON.parse(line) as Line;
}
