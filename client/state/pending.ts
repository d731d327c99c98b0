import type { CommandData } from '../commands.ts';
import type { MillraceError } from '../error.ts';
import type { UserAnswer } from '../wire.ts';
import type { ClientMessage } from './rows.ts';

interface Pending {
  message: ClientMessage;
  data: CommandData['message.send'];
  key: string;
}

const NOBODY: UserAnswer = { id: '', kind: 'user' };

/** Messages on their way, in the order they were sent: shown at once, gone when their event comes. */
export class PendingMessages {
  readonly #byId = new Map<string, Pending>();

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  list(): ClientMessage[] {
    return [...this.#byId.values()].map(({ message }) => message);
  }

  /** What to send again, with its key: should it have taken effect after all, that is found out. */
  ofFailed(id: string): { data: CommandData['message.send']; key: string } | undefined {
    const pending = this.#byId.get(id);
    return pending?.message.state === 'failed' ? pending : undefined;
  }

  add(
    id: string,
    data: CommandData['message.send'],
    key: string,
    context: { sessionId: string; author: UserAnswer | undefined; createdAt: string },
  ): void {
    const { text, parentId, role = 'user', name, toolCallId, mentions = [], metadata = {} } = data;
    const message: ClientMessage = {
      id,
      sessionId: context.sessionId,
      // it has no place among the others yet
      seq: 0,
      author: context.author ?? NOBODY,
      role,
      ...(name === undefined ? {} : { name }),
      text,
      status: 'completed',
      ...(parentId === undefined ? {} : { parentId }),
      replyCount: 0,
      ...(toolCallId === undefined ? {} : { toolCallId }),
      mentions,
      reactions: [],
      createdAt: data.createdAt ?? context.createdAt,
      metadata,
      attachments: [],
      state: 'pending',
    };
    // a retry goes to the end: it will be the latest
    this.#byId.delete(id);
    this.#byId.set(id, { message, data, key });
  }

  /** Accepted: it stays until its event is here. */
  sent(id: string, seq: number): void {
    this.#change(id, { state: 'sent', seq });
  }

  failed(id: string, error: MillraceError): void {
    this.#change(id, { state: 'failed', error });
  }

  delete(id: string): boolean {
    return this.#byId.delete(id);
  }

  #change(id: string, change: Partial<ClientMessage>): void {
    const pending = this.#byId.get(id);
    if (pending !== undefined) this.#byId.set(id, { ...pending, message: { ...pending.message, ...change } });
  }
}
