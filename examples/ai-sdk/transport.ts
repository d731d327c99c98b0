import type { ChatTransport, UIMessage, UIMessageChunk } from 'ai';
import type { Millrace } from '@millrace/client';

type Session = ReturnType<Millrace['session']>;

/** an answer that does not begin within this is an error; what begins may take its time */
const ANSWER_BEGINS_MS_MAX = 30_000;
/** a running stream is told right after the connection stands; nothing within this means that there is none */
const RESUME_MS_MAX = 1_000;

/**
 * A transport of the AI SDK over a session: `useChat({ id, transport, resume: true })`. A chat is a session, a question
 * is a message, and the answer is the stream that has the question as its parent, whoever writes it and wherever it runs.
 * Stop stops the agent, in every tab; a reload finds the running answer again, from its beginning.
 */
export class MillraceChatTransport implements ChatTransport<UIMessage> {
  readonly #client: Millrace;
  readonly #agent: string;
  /** the SDK's message is put together anew when an answer is resumed */
  readonly resumeStreamIsReplay = true;

  constructor(client: Millrace, agent: string) {
    this.#client = client;
    this.#agent = agent;
  }

  async sendMessages({
    chatId,
    messages,
    abortSignal,
  }: Parameters<ChatTransport<UIMessage>['sendMessages']>[0]): Promise<ReadableStream<UIMessageChunk>> {
    const session = this.#client.session(chatId);
    const close = session.open();
    await session.ready();
    const question = messages.findLast(({ role }) => role === 'user');
    const text = (question?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
    const { id, settled } = session.send({ text, mentions: [this.#agent] });
    await settled;
    return follow(session, { parentId: id }, abortSignal, close);
  }

  async reconnectToStream({
    chatId,
    abortSignal,
  }: Parameters<ChatTransport<UIMessage>['reconnectToStream']>[0]): Promise<ReadableStream<UIMessageChunk> | null> {
    const session = this.#client.session(chatId);
    const close = session.open();
    await session.ready();
    const messageId = await running(session);
    if (messageId === undefined) {
      close();
      return null;
    }
    return follow(session, { messageId }, abortSignal, close);
  }
}

/** The newest stream that is under way, should there be one. */
async function running(session: Session): Promise<string | undefined> {
  const newest = (): string | undefined => session.getSnapshot().streams.at(-1)?.messageId;
  return await new Promise((resolve) => {
    const timer = setTimeout(() => done(), RESUME_MS_MAX);
    const unsubscribe = session.subscribe(() => newest() !== undefined && done());
    const done = (): void => {
      clearTimeout(timer);
      unsubscribe();
      resolve(newest());
    };
    if (newest() !== undefined) done();
  });
}

interface Progress {
  messageId: string;
  text: string;
  /** set once the stream has become a message */
  status?: 'completed' | 'cancelled' | 'failed';
}

function progressOf(session: Session, wanted: { parentId?: string; messageId?: string }): Progress | undefined {
  const { streams, messages } = session.getSnapshot();
  const isIt = (id: string, parentId: string | undefined): boolean =>
    wanted.messageId === undefined ? parentId !== undefined && parentId === wanted.parentId : id === wanted.messageId;
  const message = messages.findLast(({ id, parentId }) => isIt(id, parentId));
  if (message !== undefined) return { messageId: message.id, text: message.text, status: message.status };
  return streams.find(({ messageId, parentId }) => isIt(messageId, parentId));
}

/** One answer as the SDK's chunks, from its first character to its end. */
function follow(
  session: Session,
  wanted: { parentId?: string; messageId?: string },
  abortSignal: AbortSignal | undefined,
  close: () => void,
): ReadableStream<UIMessageChunk> {
  let end = (): void => undefined;
  return new ReadableStream<UIMessageChunk>({
    start(controller) {
      let said = '';
      let part = 0;
      let begun: string | undefined;
      const partId = (): string => `${begun}-${part}`;
      const fail = (errorText: string): void => {
        controller.enqueue({ type: 'error', errorText });
        finish();
      };
      const timer = setTimeout(() => begun ?? fail('Nobody answered.'), ANSWER_BEGINS_MS_MAX);
      const step = (): void => {
        const progress = progressOf(session, wanted);
        if (progress === undefined) return;
        if (begun === undefined) {
          begun = progress.messageId;
          controller.enqueue({ type: 'start', messageId: begun });
          controller.enqueue({ type: 'text-start', id: partId() });
          if (abortSignal?.aborted === true) stop();
        }
        if (!progress.text.startsWith(said)) {
          // the author's last word is another text than its chunks were
          controller.enqueue({ type: 'text-end', id: partId() });
          part += 1;
          said = '';
          controller.enqueue({ type: 'text-start', id: partId() });
        }
        const delta = progress.text.slice(said.length);
        said = progress.text;
        if (delta !== '') controller.enqueue({ type: 'text-delta', id: partId(), delta });
        if (progress.status === undefined) return;
        controller.enqueue({ type: 'text-end', id: partId() });
        if (progress.status === 'failed') return fail('The answer broke off.');
        controller.enqueue(progress.status === 'cancelled' ? { type: 'abort' } : { type: 'finish' });
        finish();
      };
      const stop = (): void => {
        // who stops before the answer began stops it as it begins
        if (begun !== undefined) session.stop(begun, 'stopped by the reader').catch(() => undefined);
      };
      const unsubscribe = session.subscribe(step);
      abortSignal?.addEventListener('abort', stop);
      end = () => {
        clearTimeout(timer);
        unsubscribe();
        abortSignal?.removeEventListener('abort', stop);
        close();
      };
      const finish = (): void => {
        end();
        controller.close();
      };
      step();
    },
    cancel: () => end(),
  });
}
