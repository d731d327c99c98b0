import type { CommandData, CommandName } from './commands.ts';
import type { Emitter } from './emitter.ts';
import { EventIterator } from './event-iterator.ts';
import { MillraceError } from './error.ts';
import { ITERATOR_EVENTS_MAX, TYPING_EVERY_MS } from './net/bounds.ts';
import type { Outcome } from './net/outbox.ts';
import type { CommandOptions, SessionEngine } from './session-engine.ts';
import { EMPTY_SNAPSHOT, nextSnapshot, type SessionSnapshot } from './snapshot.ts';
import type { ClientMessage } from './state/rows.ts';
import { StreamWriter } from './stream-writer.ts';
import type { Event, MemberAnswer, Signal } from './wire.ts';

/** A message on its way. `settled` never goes unhandled: the message itself says `failed` too. */
export interface SentMessage {
  id: string;
  settled: Promise<Outcome>;
}

export interface SessionListeners {
  event: Event;
  signal: Signal;
  /** what was known no longer counts: the session started over, or is closed */
  reset: MillraceError;
}

/** A session: what is known of it, live for as long as somebody holds it open, and what can be done with it. */
export class Session {
  readonly #engine: SessionEngine;
  #snapshot = EMPTY_SNAPSHOT;
  #typingAtMs = 0;

  constructor(engine: SessionEngine) {
    this.#engine = engine;
  }

  get id(): string {
    return this.#engine.id;
  }

  /** Where it stands: give it to `client.session(id, {after, epoch})` to go on from here. */
  get cursor(): { seq: number; epoch: string | undefined } {
    return this.#engine.cursor;
  }

  /** Connects, and stays connected until the answer is called, and a moment longer. Any number may hold it open. */
  open(): () => void {
    return this.#engine.hold();
  }

  /** Resolves once it is live, rejects once it is closed. It must be held open. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const { status, error } = this.getSnapshot();
        if (status === 'live') resolve();
        else if (status === 'closed') reject(error ?? new MillraceError('closed', 'The session is closed.'));
        else return false;
        return true;
      };
      if (look()) return;
      const off = this.subscribe(() => {
        if (look()) off();
      });
    });
  }

  /** What is known now: the same object for as long as nothing changes. */
  readonly getSnapshot = (): SessionSnapshot => (this.#snapshot = nextSnapshot(this.#snapshot, this.#engine));

  /** Says that the snapshot may have changed. */
  readonly subscribe = (listener: () => void): (() => void) => this.#engine.changed.on(listener);

  on<N extends keyof SessionListeners>(name: N, listener: (value: SessionListeners[N]) => void): () => void {
    const { events: event, signals: signal, resets: reset } = this.#engine;
    const emitters: { [K in keyof SessionListeners]: Emitter<SessionListeners[K]> } = { event, signal, reset };
    return emitters[name].on(listener);
  }

  /**
   * Events from here on, each once and in order, and holds the session open meanwhile. A reader more than 10,000 events behind
   * is ended with `buffer_full`, a session that started over with `epoch_changed`.
   */
  events(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<Event> {
    const release = this.open();
    const offs: (() => void)[] = [];
    const iterator = new EventIterator<Event>(ITERATOR_EVENTS_MAX, () => {
      for (const off of offs) off();
      release();
    });
    offs.push(this.on('event', (event) => iterator.push(event)));
    offs.push(this.on('reset', (error) => iterator.end(error)));
    options.signal?.addEventListener('abort', () => iterator.end(), { once: true });
    if (options.signal?.aborted === true) iterator.end();
    return iterator;
  }

  /** Any command of the catalogue. Settles once, with its answer or a MillraceError. */
  command<N extends Exclude<CommandName, 'session.create'>>(
    name: N,
    data: CommandData[N],
    options?: CommandOptions,
  ): Promise<Outcome> {
    return this.#engine.command(name, data, options);
  }

  /** Sends a message, shown at once as pending. */
  send(message: string | CommandData['message.send'], options: CommandOptions = {}): SentMessage {
    const data = typeof message === 'string' ? { text: message } : message;
    const id = data.id ?? this.#engine.environment.newId();
    const settled = this.#engine.send(id, data, options);
    settled.catch(() => {});
    return { id, settled };
  }

  /** Sends a failed message again, with its id and key: if it had taken effect after all, that is what comes out. */
  retry(messageId: string): SentMessage {
    const failed = this.#engine.pending.ofFailed(messageId);
    if (failed === undefined) throw new MillraceError('message_not_found', 'No failed message has this id.');
    return this.send({ ...failed.data, id: messageId }, { idempotencyKey: failed.key });
  }

  /** Takes a failed message off the list. */
  discard(messageId: string): void {
    if (this.#engine.pending.ofFailed(messageId) === undefined) return;
    this.#engine.pending.delete(messageId);
    this.#engine.changed.emit();
  }

  edit(messageId: string, text: string): Promise<Outcome> {
    return this.command('message.edit', { messageId, text });
  }

  deleteMessage(messageId: string): Promise<Outcome> {
    return this.command('message.delete', { messageId });
  }

  react(messageId: string, emoji: string): Promise<Outcome> {
    return this.command('reaction.add', { messageId, emoji });
  }

  unreact(messageId: string, emoji: string): Promise<Outcome> {
    return this.command('reaction.remove', { messageId, emoji });
  }

  /** Everything up to this seq, or all there is, is read. */
  async markRead(seq: number = this.#engine.cursor.seq): Promise<void> {
    if (seq <= this.#engine.view.readSeq) return;
    await this.command('read.advance', { seq });
    const { me } = this.#engine.view;
    if (me !== undefined) this.#engine.view.read(me.id, seq);
    this.#engine.changed.emit();
  }

  /** Says that one is typing: call it at every key; it is sent every 3 s at most. Not kept, and may be lost. */
  typing(active = true): void {
    const nowMs = this.#engine.environment.now();
    if (active && nowMs - this.#typingAtMs < TYPING_EVERY_MS) return;
    if (!active && this.#typingAtMs === 0) return;
    this.#typingAtMs = active ? nowMs : 0;
    this.#engine.signal('typing', { active });
  }

  setPresence(status: 'online' | 'away'): void {
    this.#engine.signal('presence', { status });
  }

  /** Starts a message that is written chunk by chunk. */
  async stream(start: CommandData['stream.start'] = {}): Promise<StreamWriter> {
    const messageId = start.messageId ?? this.#engine.environment.newId();
    await this.command('stream.start', { ...start, messageId });
    return new StreamWriter(messageId, {
      append: (data) => this.command('stream.append', data),
      finish: (data) => this.command('stream.finish', data),
    });
  }

  /** Stops a running stream: what there is of it becomes the message. */
  stop(messageId: string, reason?: string): Promise<Outcome> {
    return this.command('stream.cancel', { messageId, ...(reason === undefined ? {} : { reason }) });
  }

  /** Loads the next older messages; false when there are none. */
  loadOlder(): Promise<boolean> {
    return this.#engine.loader.older();
  }

  /** Does something with the machinery below: the hooks bring in this way what pages alone need. */
  extend<T>(use: (engine: SessionEngine) => T): T {
    return use(this.#engine);
  }

  /** Replies to a message, oldest first, as far as loaded. */
  thread(parentId: string): readonly ClientMessage[] {
    return this.#engine.view.messages.thread(parentId);
  }

  /** Loads the newest replies, unless they are here; events keep them up to date. */
  async openThread(parentId: string): Promise<void> {
    if (!this.#engine.view.messages.threads.has(parentId)) await this.#engine.loader.thread(parentId);
  }

  /** Loads the newest replies, and with each further call older ones; false when there are none. */
  loadThread(parentId: string): Promise<boolean> {
    return this.#engine.loader.thread(parentId);
  }

  /** A page of all members; those of the first page are in the snapshot. */
  members(cursor?: string): Promise<{ items: MemberAnswer[]; nextCursor?: string }> {
    return this.#engine.get(`/members${cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`}`);
  }

  /** Who is here, kept up to date from now on. */
  async watchPresence(): Promise<void> {
    if (this.#engine.wantsPresence) return;
    this.#engine.wantsPresence = true;
    await this.#engine.loader.presence();
  }

  /** Loads a page of traces, newest first; the answer asks for the next one. */
  loadTraces(cursor?: string): Promise<string | undefined> {
    return this.#engine.loader.traces(cursor);
  }

  /** Loads a trace with all its spans. */
  loadTrace(traceId: string): Promise<void> {
    return this.#engine.loader.trace(traceId);
  }

  /** Over: what was not sent yet is rejected with `closed`. */
  close(): void {
    this.#engine.close(new MillraceError('closed', 'The session is closed.'));
  }
}
