import type { CommandData, CommandName } from './commands.ts';
import { Emitter } from './emitter.ts';
import type { Cancel, Environment } from './environment.ts';
import { asMillraceError, MillraceError } from './error.ts';
import { fullJitterMs } from './net/backoff.ts';
import { RECONNECT_BASE_MS, RECONNECT_MS_MAX, STORE_RETRIES_MAX } from './net/bounds.ts';
import { Connection, type ConnectionStatus } from './net/connection.ts';
import { Feed } from './net/feed.ts';
import type { Http } from './net/http.ts';
import { Outbox, type Outcome } from './net/outbox.ts';
import { OutboxStore } from './net/outbox-store.ts';
import { Loader } from './state/loader.ts';
import { PendingMessages } from './state/pending.ts';
import { SessionView } from './state/session-view.ts';
import type { Event, Signal, Welcome } from './wire.ts';

export interface CommandOptions {
  /** a key of your own; by default a new one */
  idempotencyKey?: string;
  /** gives up waiting; what was sent may take effect all the same */
  signal?: AbortSignal;
}

/** The machinery of one session: socket, order of events, pages, commands on their way. `Session` is its face. */
export class SessionEngine {
  readonly environment: Environment;
  readonly id: string;
  readonly path: string;
  readonly view: SessionView;
  readonly pending = new PendingMessages();
  readonly connection: Connection;
  readonly loader: Loader;
  readonly changed = new Emitter<void>();
  readonly events = new Emitter<Event>();
  readonly signals = new Emitter<Signal>();
  /** state started over: `events` go on elsewhere */
  readonly resets = new Emitter<MillraceError>();
  readonly #http: Http;
  readonly #feed: Feed;
  readonly #outbox: Outbox;
  /** why the connection is not there, or the first page not read */
  error: MillraceError | undefined;
  /** the first pages are here */
  loaded = false;
  wantsPresence = false;
  #started = false;
  #restoring: Promise<void> | undefined;
  #cancelRestore: Cancel = () => {};
  #loadTurn = 0;
  #cancelLoad: Cancel = () => {};
  #holders = 0;
  #cancelLinger: Cancel = () => {};

  constructor(environment: Environment, http: Http, id: string, from?: { after: number; epoch?: string | undefined }) {
    this.environment = environment;
    this.#http = http;
    this.id = id;
    this.path = `/v1/sessions/${encodeURIComponent(id)}`;
    this.view = new SessionView(environment, () => this.changed.emit());
    this.connection = this.#connect();
    this.#outbox = new Outbox(environment, http, id, { send: (frame) => this.connection.send(frame) });
    this.#feed = this.#follow(from);
    this.loader = new Loader(environment, this.view, {
      get: (path) => this.get(path),
      cursor: () => this.#feed.cursor,
      epoch: () => this.#feed.epoch,
      changed: () => this.changed.emit(),
    });
    const { kept } = environment;
    if (kept !== undefined) {
      this.#restoring = this.#restore(
        new OutboxStore(environment, kept.storage, `millrace:${environment.url}:${kept.userId}:${id}`),
      );
    }
  }

  get cursor(): { seq: number; epoch: string | undefined } {
    return { seq: this.#feed.cursor, epoch: this.#feed.epoch };
  }

  /** Nobody would notice if it were forgotten. */
  get idle(): boolean {
    const watched = this.changed.size + this.events.size + this.signals.size + this.resets.size;
    return this.connection.status === 'idle' && this.#holders + watched + this.#outbox.size + this.pending.size === 0;
  }

  get<T>(path: string): Promise<T> {
    return this.#http.read<T>(this.path + path);
  }

  /** Keeps it connected until the answer is called; then it lingers a moment, for whoever comes right back. */
  hold(): () => void {
    this.#holders += 1;
    this.#cancelLinger();
    this.connection.start();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      if (this.#holders > 0) return;
      this.#cancelLinger = this.environment.after(this.environment.lingerMs, () => this.connection.stop());
    };
  }

  async command<N extends CommandName>(name: N, data: CommandData[N], options: CommandOptions = {}): Promise<Outcome> {
    const { idempotencyKey: key = this.environment.newId(), signal } = options;
    if (this.#restoring !== undefined) await this.#restoring;
    return this.#outbox.submit({ name, data, key, signal });
  }

  /** Sends a message that is shown as pending until its event comes. */
  send(id: string, data: CommandData['message.send'], options: CommandOptions): Promise<Outcome> {
    const { idempotencyKey = this.environment.newId() } = options;
    this.#showPending(id, data, idempotencyKey, this.environment.now());
    return this.#settlePending(id, this.command('message.send', { ...data, id }, { ...options, idempotencyKey }));
  }

  signal(name: 'typing' | 'presence', data: object): boolean {
    return this.connection.send({ type: 'signal', name, data });
  }

  /** Over: nothing is sent any more. A store keeps what it holds. */
  close(error: MillraceError): void {
    this.#cancelLinger();
    this.#cancelLoad();
    this.#cancelRestore();
    this.loader.startOver();
    this.#outbox.end(error);
    if (this.connection.status !== 'closed') this.connection.end(error);
    this.resets.emit(error);
  }

  #connect(): Connection {
    return new Connection(this.environment, this.#http.tokens, {
      ticket: async () => {
        const { body, token } = await this.#http.once<{ ticket: string }>({ method: 'POST', path: `${this.path}/tickets` });
        return { ticket: body.ticket, token };
      },
      path: () => `${this.path}/socket${this.#feed.query}`,
      onFrame: (frame, chars) => this.#take(frame, chars),
      onStatus: (status, error) => this.#follows(status, error),
    });
  }

  #follow(from: { after: number; epoch?: string | undefined } | undefined): Feed {
    return new Feed(
      {
        page: (query) => this.get(`/events?${query}`),
        deliver: (events) => this.#deliver(events),
        startOver: () => this.#startOver(),
        caughtUp: () => this.#caughtUp(),
        received: (seq) => void this.connection.send({ type: 'received', seq }),
        resume: (error) => this.connection.resume(error),
        end: (error) => this.connection.end(error),
        wantsEveryEvent: () => this.events.size > 0,
      },
      from,
    );
  }

  #take(frame: Record<string, unknown>, chars: number): void {
    // the server's frames are as the contract says; one of a later version that we do not know is passed over
    if (frame['type'] === 'welcome') this.#welcome(frame as unknown as Welcome);
    else if (frame['type'] === 'events') this.#feed.events(frame['events'] as Event[], chars);
    else if (frame['type'] === 'ack' || frame['type'] === 'reject') this.#outbox.answered(frame);
    else if (frame['type'] === 'signal') {
      const signal = frame as unknown as Signal;
      this.view.signal(signal);
      this.signals.emit(signal);
      this.changed.emit();
    }
  }

  #welcome(welcome: Welcome): void {
    const { user, readSeq, heartbeatMs, expiresAt } = welcome;
    this.view.me = user;
    this.error = undefined;
    this.connection.opened(heartbeatMs, Date.parse(expiresAt));
    this.#feed.welcome(welcome);
    this.view.read(user.id, readSeq);
    this.#outbox.opened();
    this.changed.emit();
  }

  #follows(status: ConnectionStatus, error: MillraceError | undefined): void {
    if (error !== undefined) this.error = error;
    if (status === 'open' || status === 'connecting') return this.changed.emit();
    this.#feed.disconnected();
    this.view.live.disconnected();
    this.#outbox.closed();
    if (status === 'closed' && error !== undefined) this.resets.emit(error);
    this.changed.emit();
  }

  #deliver(events: readonly Event[]): void {
    for (const event of events) {
      this.view.apply(event);
      if (event.type === 'message.created' || event.type === 'message.deleted') this.pending.delete(event.subject);
    }
    this.loader.delivered(events);
    for (const event of events) this.events.emit(event);
    this.changed.emit();
  }

  #startOver(): void {
    this.view.clear();
    this.loader.startOver();
    this.loaded = false;
    if (this.#started) this.resets.emit(new MillraceError('epoch_changed', 'The session was started over.', { status: 409 }));
    this.#started = true;
  }

  #caughtUp(): void {
    this.#started = true;
    // the first pages; later what signals would have said while they were lost
    this.#load();
    if (this.wantsPresence) void this.loader.presence().catch(() => {});
  }

  /** Reads what a connection does not bring, again and again until it is here. */
  #load(): void {
    this.#cancelLoad();
    void this.#loadOnce((this.#loadTurn += 1), 0);
  }

  async #loadOnce(turn: number, attempt: number): Promise<void> {
    try {
      await (this.loaded ? this.loader.members() : this.loader.first());
      if (turn === this.#loadTurn) this.#showLoaded();
    } catch (caught) {
      const error = asMillraceError(caught);
      if (turn !== this.#loadTurn || this.connection.status === 'closed') return;
      if (!error.transient && error.status !== 401 && error.code !== 'epoch_changed') return this.connection.end(error);
      this.error = error;
      const { after, random } = this.environment;
      const waitMs = Math.max(error.retryAfterMs ?? 0, fullJitterMs(attempt, RECONNECT_BASE_MS, RECONNECT_MS_MAX, random));
      this.#cancelLoad = after(waitMs, () => void this.#loadOnce(turn, attempt + 1));
      this.changed.emit();
    }
  }

  #showLoaded(): void {
    this.loaded = true;
    for (const { id, state, seq } of this.pending.list()) {
      if (this.view.messages.get(id) !== undefined || (state === 'sent' && seq <= this.#feed.cursor)) this.pending.delete(id);
    }
    this.changed.emit();
  }

  /** Takes up what a former page left unsettled; commands of this one wait behind it, unless it cannot be read for now. */
  async #restore(store: OutboxStore, attempt = 0): Promise<void> {
    const saved = await store.load();
    for (const { name, data, key, atMs } of saved ?? []) {
      const outcome = this.#outbox.submit({ name, data, key, atMs });
      if (name !== 'message.send') void outcome.catch(() => {});
      else {
        // this very client wrote it
        const sent = data as CommandData['message.send'] & { id: string };
        this.#showPending(sent.id, sent, key, atMs);
        void this.#settlePending(sent.id, outcome).catch(() => {});
      }
    }
    const goesOn = this.#outbox.keepIn(store);
    this.#restoring = undefined;
    if (!goesOn || saved !== undefined || attempt >= STORE_RETRIES_MAX) return;
    const { after, random } = this.environment;
    const waitMs = fullJitterMs(attempt, RECONNECT_BASE_MS, RECONNECT_MS_MAX, random);
    this.#cancelRestore = after(waitMs, () => void this.#restore(store, attempt + 1));
  }

  #showPending(id: string, data: CommandData['message.send'], key: string, atMs: number): void {
    const author = this.view.me ?? this.#http.tokens.user;
    this.pending.add(id, data, key, { sessionId: this.id, author, createdAt: new Date(atMs).toISOString() });
    this.changed.emit();
  }

  async #settlePending(id: string, outcome: Promise<Outcome>): Promise<Outcome> {
    try {
      const accepted = await outcome;
      const seen = this.loaded && accepted.seq <= this.#feed.cursor;
      if (seen) this.pending.delete(id);
      else this.pending.sent(id, accepted.seq);
      return accepted;
    } catch (error) {
      this.pending.failed(id, asMillraceError(error));
      throw error;
    } finally {
      this.changed.emit();
    }
  }
}
