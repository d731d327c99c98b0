import type { MessageRole } from '../../shared/core/types.ts';
import type { PresenceAnswer, Signal, UserAnswer } from '../wire.ts';
import type { Cancel, Environment } from '../environment.ts';
import { RUNNING_STREAMS_MAX, TYPING_SHOWN_MS } from '../net/bounds.ts';

/** A message that is being written, chunk by chunk. What was lost of it comes with its message.created. */
export interface RunningStream {
  messageId: string;
  user: UserAnswer;
  text: string;
  role: MessageRole;
  name?: string;
  parentId?: string;
  startedAt: string;
}

interface StreamState {
  stream: RunningStream;
  /** of the last chunk taken */
  index: number;
  /** a new connection sends the text so far first, whatever came before */
  fresh: boolean;
}

/** What is not kept: typing, presence, text of running streams. Nothing here survives a lost connection for long. */
export class LiveState {
  readonly #environment: Environment;
  readonly #changed: () => void;
  readonly #typing = new Map<string, { user: UserAnswer; cancel: Cancel }>();
  readonly #streams = new Map<string, StreamState>();
  readonly #presence = new Map<string, PresenceAnswer>();

  constructor(environment: Environment, changed: () => void) {
    this.#environment = environment;
    this.#changed = changed;
  }

  typing(): readonly UserAnswer[] {
    return [...this.#typing.values()].map(({ user }) => user);
  }

  streams(): readonly RunningStream[] {
    return [...this.#streams.values()].map(({ stream }) => stream);
  }

  presence(): readonly PresenceAnswer[] {
    return [...this.#presence.values()];
  }

  take({ name, user, data, at }: Signal): void {
    if (name === 'typing') this.#type(user, data['active'] === true);
    else if (name === 'presence') this.#appear(user, String(data['status']), at);
    else if (name === 'stream') this.#chunk(user, data, at);
  }

  /** Who is here, as the server has it. */
  setPresence(items: readonly PresenceAnswer[]): void {
    this.#presence.clear();
    for (const item of items) this.#presence.set(item.user.id, item);
  }

  /** Somebody's message is there: they do not write it any more. */
  messageCreated(messageId: string, author: string): void {
    this.#streams.delete(messageId);
    this.#forgetTyping(author);
  }

  disconnected(): void {
    for (const userId of this.#typing.keys()) this.#forgetTyping(userId);
    for (const state of this.#streams.values()) state.fresh = true;
  }

  clear(): void {
    this.disconnected();
    this.#streams.clear();
    this.#presence.clear();
  }

  #type(user: UserAnswer, active: boolean): void {
    this.#forgetTyping(user.id);
    if (!active) return;
    const cancel = this.#environment.after(TYPING_SHOWN_MS, () => {
      this.#typing.delete(user.id);
      this.#changed();
    });
    this.#typing.set(user.id, { user, cancel });
  }

  #forgetTyping(userId: string): void {
    this.#typing.get(userId)?.cancel();
    this.#typing.delete(userId);
  }

  #appear(user: UserAnswer, status: string, at: string): void {
    if (status !== 'online' && status !== 'away') return void this.#presence.delete(user.id);
    const known = this.#presence.get(user.id);
    this.#presence.set(user.id, { user, status, devices: known?.devices ?? 1, since: known?.since ?? at });
  }

  /** From index 0 on it is the text so far; else what follows the chunks that are here. */
  #chunk(user: UserAnswer, data: Record<string, unknown>, at: string): void {
    const { messageId, index, lastIndex = index, text } = data;
    if (typeof messageId !== 'string' || typeof index !== 'number' || typeof lastIndex !== 'number' || typeof text !== 'string')
      return;
    const known = this.#streams.get(messageId);
    const anew = index === 0 || known === undefined || known.fresh;
    if (!anew && index <= known.index) return;
    const { role = 'assistant', name, parentId } = data as { role?: MessageRole; name?: string; parentId?: string };
    const stream: RunningStream = {
      role,
      ...(name === undefined ? {} : { name }),
      ...(parentId === undefined ? {} : { parentId }),
      startedAt: at,
      ...known?.stream,
      messageId,
      user,
      text: anew ? text : known.stream.text + text,
    };
    this.#streams.set(messageId, { stream, index: lastIndex, fresh: false });
    const oldest = this.#streams.keys().next().value;
    if (this.#streams.size > RUNNING_STREAMS_MAX && oldest !== undefined) this.#streams.delete(oldest);
  }
}
