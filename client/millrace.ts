import type { CommandData } from './commands.ts';
import { environmentOf, type Environment, type MillraceOptions } from './environment.ts';
import { MillraceError } from './error.ts';
import { Inbox } from './inbox.ts';
import { IDLE_SESSIONS_MAX } from './net/bounds.ts';
import { Http } from './net/http.ts';
import { Outbox, type Outcome } from './net/outbox.ts';
import { TokenSource } from './net/token-source.ts';
import { pathOf, type Queries, type QueryName } from './queries.ts';
import { SessionEngine, type CommandOptions } from './session-engine.ts';
import { Session } from './session.ts';

interface Known {
  session: Session;
  engine: SessionEngine;
}

/** One user's way to a Millrace. */
export class Millrace {
  readonly #environment: Environment;
  readonly #http: Http;
  readonly #sessions = new Map<string, Known>();
  /** creating sessions is of no session */
  readonly #creating: Outbox;
  #inbox: Inbox | undefined;

  constructor(options: MillraceOptions) {
    this.#environment = environmentOf(options);
    this.#http = new Http(this.#environment, new TokenSource(this.#environment, options.getToken));
    this.#creating = new Outbox(this.#environment, this.#http, '', { send: () => false });
  }

  /**
   * The session of this id, always the same object. `from` is where an application that keeps events itself wants to go on:
   * it counts for the first call.
   */
  session(id: string, from?: { after: number; epoch?: string | undefined }): Session {
    const known = this.#sessions.get(id);
    if (known !== undefined) {
      // the longest unused stand first
      this.#sessions.delete(id);
      this.#sessions.set(id, known);
      return known.session;
    }
    this.#forgetIdle();
    const engine = new SessionEngine(this.#environment, this.#http, id, from);
    const session = new Session(engine);
    this.#sessions.set(id, { session, engine });
    return session;
  }

  /** Creates a session; `sessionId` of the answer is its id. */
  createSession(data: CommandData['session.create'], options: CommandOptions = {}): Promise<Outcome> {
    const { idempotencyKey: key = this.#environment.newId(), signal } = options;
    return this.#creating.submit({ name: 'session.create', data, key, signal });
  }

  /** A page of one's sessions, newest activity first. */
  sessions(params: Queries['sessions.list']['params'] = {}): Promise<Queries['sessions.list']['answer']> {
    return this.query('sessions.list', params);
  }

  /** Messages of all one's sessions, best hits first. `highlight` is HTML in which nothing but `<mark>` is markup. */
  search(params: Queries['search.query']['params']): Promise<Queries['search.query']['answer']> {
    return this.query('search.query', params);
  }

  /** Any query by its operation id. */
  query<N extends QueryName>(name: N, params: Queries[N]['params'], signal?: AbortSignal): Promise<Queries[N]['answer']> {
    return this.#http.read(pathOf(name, { ...params }), signal);
  }

  /** Unread counts of all one's sessions. */
  inbox(): Inbox {
    return (this.#inbox ??= new Inbox(this.#environment, this.#http));
  }

  /** Makes something on this client's platform and tokens: the hooks bring in this way what pages alone need. */
  extend<T>(make: (environment: Environment, http: Http) => T): T {
    return make(this.#environment, this.#http);
  }

  /** Over, for all sessions: what was not sent yet is rejected with `closed`. */
  close(): void {
    const error = new MillraceError('closed', 'The client was closed.');
    for (const { engine } of this.#sessions.values()) engine.close(error);
    this.#sessions.clear();
    this.#creating.end(error);
    this.#inbox?.close(error);
    this.#inbox = undefined;
  }

  #forgetIdle(): void {
    for (const [id, { engine }] of this.#sessions) {
      if (this.#sessions.size < IDLE_SESSIONS_MAX) return;
      if (engine.idle) this.#sessions.delete(id);
    }
  }
}
