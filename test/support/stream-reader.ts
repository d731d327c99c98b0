/** A `stream` signal as contract §4 has it, with `lastIndex`. */
export interface StreamSignal {
  type: string;
  name?: string;
  data?: { messageId?: string; index?: number; lastIndex?: number; text?: string };
}

/**
 * Puts streams together as a client does that knows only the frames: index 0 begins anew, any other frame must go on where
 * the last one ended. A hole or a repetition throws.
 */
export class StreamReader {
  readonly #texts = new Map<string, { text: string; next: number }>();
  frames = 0;
  restarts = 0;

  take(frame: StreamSignal): void {
    if (frame.type !== 'signal' || frame.name !== 'stream') return;
    const { messageId = '', index = -1, lastIndex = -1, text = '' } = frame.data ?? {};
    const known = this.#texts.get(messageId);
    if (index !== 0 && index !== known?.next) {
      throw new Error(`${messageId}: a frame begins at ${index}, not at ${known?.next ?? 0}`);
    }
    if (lastIndex < index) throw new Error(`${messageId}: a frame from ${index} ends at ${lastIndex}`);
    this.frames += 1;
    if (index === 0 && known !== undefined) this.restarts += 1;
    this.#texts.set(messageId, { text: (index === 0 ? '' : (known?.text ?? '')) + text, next: lastIndex + 1 });
  }

  text(messageId: string): string | undefined {
    return this.#texts.get(messageId)?.text;
  }

  next(messageId: string): number {
    return this.#texts.get(messageId)?.next ?? 0;
  }

  /** all frames, read from the start */
  static of(frames: readonly StreamSignal[]): StreamReader {
    const reader = new StreamReader();
    for (const frame of frames) reader.take(frame);
    return reader;
  }
}
