import { MillraceError, asMillraceError } from './error.ts';
import { STREAM_CHUNK_CHARS_MAX, STREAM_HELD_CHARS_MAX } from './net/bounds.ts';
import type { Outcome } from './net/outbox.ts';
import type { CommandData } from './commands.ts';

export interface StreamPort {
  append(data: CommandData['stream.append']): Promise<Outcome>;
  finish(data: CommandData['stream.finish']): Promise<Outcome>;
}

/**
 * Writes a message chunk by chunk. What is appended while a chunk is under way goes as one chunk after it, so that a slow
 * network makes fewer and larger requests, not a queue of them.
 */
export class StreamWriter {
  readonly messageId: string;
  readonly #port: StreamPort;
  /** every chunk that was sent, for a server that lost the last half second of them */
  readonly #sent: string[] = [];
  #held = '';
  #index = 0;
  #working: Promise<void> | undefined;
  #error: MillraceError | undefined;
  #finished = false;

  constructor(messageId: string, port: StreamPort) {
    this.messageId = messageId;
    this.#port = port;
  }

  /** All that was appended. */
  get text(): string {
    return this.#sent.join('') + this.#held;
  }

  /** True once it was ended by anyone: further text is refused with `stream_ended`. */
  get ended(): boolean {
    return this.#finished || this.#error?.code === 'stream_ended';
  }

  /**
   * Appends text; resolves once there is room for more, which is at once as a rule. Rejects with what ended the stream, as
   * `stream_ended` when it was stopped.
   */
  async append(text: string): Promise<void> {
    if (this.#finished) throw new MillraceError('stream_ended', 'The stream was finished.', { status: 409 });
    if (this.#error !== undefined) throw this.#error;
    this.#held += text;
    this.#working ??= this.#work();
    if (this.#held.length > STREAM_HELD_CHARS_MAX) await this.#working;
    if (this.#error !== undefined) throw this.#error;
  }

  /** Ends it. The whole text goes with it, so that nothing that was lost on the way stays lost. */
  async finish(status: 'completed' | 'failed' = 'completed', text?: string): Promise<Outcome> {
    this.#finished = true;
    await this.#working;
    if (this.#error !== undefined && this.#error.code !== 'stream_gap') throw this.#error;
    const whole = text ?? this.text;
    return this.#port.finish({ messageId: this.messageId, status, ...(whole === '' ? {} : { text: whole }) });
  }

  async #work(): Promise<void> {
    // never done before its promise is noted, and what is appended in one go is sent in one chunk
    await Promise.resolve();
    try {
      while (this.#held !== '' || this.#index < this.#sent.length) await this.#sendNext();
    } catch (error) {
      this.#error = asMillraceError(error);
    } finally {
      this.#working = undefined;
    }
  }

  async #sendNext(): Promise<void> {
    if (this.#index === this.#sent.length) this.#sent.push(this.#cut());
    const index = this.#index;
    try {
      await this.#port.append({ messageId: this.messageId, index, text: this.#sent[index] ?? '' });
      this.#index = index + 1;
    } catch (error) {
      const expected = gapOf(error);
      if (expected === undefined || expected >= index) throw error;
      this.#index = expected;
    }
  }

  /** The next chunk of what is held; a surrogate pair stays whole. */
  #cut(): string {
    let end = Math.min(this.#held.length, STREAM_CHUNK_CHARS_MAX);
    const last = this.#held.charCodeAt(end - 1);
    if (end < this.#held.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    const chunk = this.#held.slice(0, end);
    this.#held = this.#held.slice(end);
    return chunk;
  }
}

/** Where the server wants us to go on. */
function gapOf(error: unknown): number | undefined {
  if (!(error instanceof MillraceError) || error.code !== 'stream_gap') return undefined;
  const expected = error.problem?.['expectedIndex'];
  return typeof expected === 'number' ? expected : undefined;
}
