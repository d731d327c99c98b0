import { refusal, type Refusal } from '../../shared/core/codes.ts';
import type { CommandName } from '../../shared/core/types.ts';

/** what was told longer ago counts no more: a refusing session sends nothing, so nothing new would be told */
const KNOWN_MS_MAX = 600_000;
const RETRY_AFTER_MS = 60_000;
const ADDS_MESSAGES: ReadonlySet<CommandName> = new Set<CommandName>(['message.send']);

/**
 * What a Session knows of how full an embedded store is: what its last receipt said, and the messages it took since. In memory: after
 * a wake it knows nothing until the first receipt (docs/adr/0023).
 */
export class EmbeddedStore {
  readonly #messagesMax: number;
  #told: { messages: number; ordinal: number; atMs: number } | undefined;

  constructor(messagesMax: number) {
    this.#messagesMax = messagesMax;
  }

  /** Of a receipt; undefined: the store has no such bound. `ordinal` is the Session's last message by then. */
  note(messages: number | undefined, ordinal: number, atMs: number): void {
    this.#told = messages === undefined ? undefined : { messages, ordinal, atMs };
  }

  /** Why a command that adds a message is not taken now. Everything else is, also what shrinks or reads. */
  refusalOf(command: CommandName, lastOrdinal: number, nowMs: number): Refusal | undefined {
    if (this.#told === undefined || !ADDS_MESSAGES.has(command)) return undefined;
    const { messages, ordinal, atMs } = this.#told;
    if (nowMs - atMs > KNOWN_MS_MAX || messages + lastOrdinal - ordinal < this.#messagesMax) return undefined;
    const detail = `The embedded store is full: it takes ${this.#messagesMax} messages. A real database takes more.`;
    return refusal('overloaded', detail, { retryAfterMs: RETRY_AFTER_MS });
  }
}
