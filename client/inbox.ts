import { Emitter } from './emitter.ts';
import type { Cancel, Environment } from './environment.ts';
import type { MillraceError } from './error.ts';
import { EMPTY_INBOX, type InboxSnapshot } from './inbox-snapshot.ts';
import { INBOX_POLL_MS } from './net/bounds.ts';
import { Connection } from './net/connection.ts';
import type { Http } from './net/http.ts';
import type { InboxAnswer, InboxItem } from './wire.ts';

/** Unread counts of all of one's sessions, live while somebody holds it open. */
export class Inbox {
  readonly #environment: Environment;
  readonly #http: Http;
  readonly #connection: Connection;
  readonly #changed = new Emitter<void>();
  readonly #items = new Map<string, InboxItem>();
  #rev: number | undefined;
  /** the next frame is the first of a socket that asked with nothing */
  #anew = false;
  #snapshot = EMPTY_INBOX;
  #holders = 0;
  #cancelPoll: Cancel = () => {};
  #cancelLinger: Cancel = () => {};

  constructor(environment: Environment, http: Http) {
    this.#environment = environment;
    this.#http = http;
    this.#connection = new Connection(environment, http.tokens, {
      ticket: async () => {
        const { body, token } = await http.once<{ ticket: string }>({ method: 'POST', path: '/v1/inbox/tickets' });
        return { ticket: body.ticket, token };
      },
      path: () => {
        this.#anew = this.#rev === undefined;
        return `/v1/inbox/socket${this.#query()}`;
      },
      silentAtFirst: true,
      onFrame: (frame) => {
        if (frame['type'] !== 'inbox') return;
        this.#take(frame as unknown as InboxAnswer, this.#anew);
        this.#anew = false;
      },
      onStatus: (status, error) => {
        if (status === 'idle' || status === 'closed') this.#cancelPoll();
        this.#show(error);
      },
    });
  }

  readonly getSnapshot = (): InboxSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => this.#changed.on(listener);

  /** Connects, and stays connected until the answer is called, and a moment longer. */
  open(): () => void {
    this.#holders += 1;
    this.#cancelLinger();
    const { status } = this.#connection;
    if (status === 'idle' || status === 'closed') {
      this.#connection.start();
      void this.#poll();
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      if (this.#holders > 0) return;
      this.#cancelLinger = this.#environment.after(this.#environment.lingerMs, () => this.#connection.stop());
    };
  }

  close(error: MillraceError): void {
    this.#cancelLinger();
    this.#connection.end(error);
  }

  #query(): string {
    return this.#rev === undefined ? '' : `?after=${this.#rev}`;
  }

  /** At once, and then for as long as the socket is away. */
  async #poll(): Promise<void> {
    this.#cancelPoll();
    let error: MillraceError | undefined;
    try {
      while (this.#connection.status !== 'open') {
        const before = this.#rev;
        const answer = await this.#http.read<InboxAnswer>(`/v1/inbox${this.#query()}`);
        this.#take(answer, before === undefined);
        // a page that brings nothing new is the last, whatever it says
        if (answer.more !== true || this.#rev === before) break;
      }
    } catch (caught) {
      // http only throws these
      error = caught as MillraceError;
      this.#show(error);
    }
    const { status } = this.#connection;
    if (status === 'idle' || status === 'closed') return;
    this.#cancelPoll = this.#environment.after(Math.max(INBOX_POLL_MS, error?.retryAfterMs ?? 0), () => void this.#poll());
  }

  /** Revisions only rise: what socket and poll bring twice or late changes nothing. */
  #take({ rev, items }: InboxAnswer, anew: boolean): void {
    if (this.#rev !== undefined && rev <= this.#rev) return;
    this.#rev = rev;
    // who asks with nothing is told of the sessions that there are, and not which were removed meanwhile
    if (anew) this.#items.clear();
    for (const item of items) {
      this.#items.delete(item.sessionId);
      if (item.removed !== true) this.#items.set(item.sessionId, item);
    }
    this.#show(undefined, [...this.#items.values()]);
  }

  #show(error: MillraceError | undefined, items: readonly InboxItem[] = this.#snapshot.items): void {
    const { status } = this.#connection;
    const shown = status === 'open' ? 'live' : status === 'idle' || status === 'closed' ? status : 'polling';
    this.#snapshot = { status: shown, error, items };
    this.#changed.emit();
  }
}
