import { HttpClient, sessionPath, SessionSocket } from '../../scripts/replay/client.ts';
import { Gate } from '../../scripts/replay/gate.ts';
import { randomFrom } from '../support/transcripts.ts';
import { type Accepted, type Door, type Ledger, seenEvent } from './ledger.ts';
import { type Operation, perform, readOwn, type Sender } from './operation.ts';
import type { AnsweredOp } from './read-back.ts';

export interface LoadOptions {
  /** of the edge, by the way that clients take */
  url: string;
  tokenFor: (user: string) => Promise<string>;
  ledger: Ledger;
  seed: number;
  sessions: number;
  usersEach: number;
  /** commands per second of all together; absent: as fast as they are answered */
  rate?: number;
  /** hears of every 202 at once */
  onAccepted?: (operation: Operation, accepted: Accepted, http: HttpClient) => void;
}

/** every text has it: what a search must find */
export const LOAD_WORD = 'water';
/** outages and what comes after them end within this, or the run fails */
const PATIENCE_MS = 30 * 60_000;
/** of a hundred messages so many are read back at once */
const OWN_READS_PERCENT = 10;

interface User {
  name: string;
  session: string;
  sender: Sender & { socket: SessionSocket };
  random: () => number;
  /** number of the last command: part of its key */
  count: number;
  /** the last message of this user that was not deleted */
  last: { id: string; hasReaction: boolean } | undefined;
}

/** Many sessions with a few users each. Every user has a socket, says one thing after the other, and keeps at it through everything. */
export class Load {
  readonly #options: LoadOptions;
  readonly #users: User[] = [];
  readonly #calledOff = new AbortController();
  readonly #gate: Gate;
  #lanes: Promise<unknown> | undefined;
  #isEnding = false;
  /** commands answered 202 */
  answered = 0;
  /** those of them that made an event */
  readonly events: AnsweredOp[] = [];
  readonly answerMs: number[] = [];
  readonly readMs: number[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#gate = new Gate(options.sessions * options.usersEach, options.rate);
  }

  get sessions(): string[] {
    return [...new Set(this.#users.map(({ session }) => session))];
  }

  /** Somebody who may read a session. */
  reader(session: string): HttpClient {
    const [user] = this.users(session);
    if (user === undefined) throw new Error(`nobody is in ${session}`);
    return user.http;
  }

  users(session: string): { name: string; http: HttpClient }[] {
    return this.#users.filter((user) => user.session === session).map(({ name, sender }) => ({ name, http: sender.http }));
  }

  /** Creates the sessions and opens a socket for everyone in them. */
  async open(): Promise<void> {
    const { sessions, usersEach, seed } = this.#options;
    await Promise.all(
      Array.from({ length: sessions }, async (_, at) => {
        const session = `session-${at}`;
        const names = Array.from({ length: usersEach }, (__, each) => `user-${at}-${each}`);
        const users = await Promise.all(
          names.map(async (name, each) => await this.#user(name, session, randomFrom(seed * 1_000 + at * usersEach + each))),
        );
        const [owner, ...others] = users;
        if (owner === undefined) return;
        const data = { id: session, title: session, members: others.map(({ name }) => ({ userId: name, role: 'member' })) };
        const create = { command: 'session.create', data, method: 'POST', path: '/v1/sessions', body: data };
        await this.#perform(owner, { ...create, key: `${session}.create`, session, user: owner.name }, () => 'http');
        await Promise.all(users.map(async ({ sender }) => await sender.socket.open()));
        this.#users.push(...users);
      }),
    );
  }

  start(): void {
    this.#lanes = Promise.all(this.#users.map(async (user) => await this.#lane(user)));
  }

  /** No new commands; resolves when those under way are answered for good, or `withinMs` is over. */
  async end(withinMs: number): Promise<void> {
    this.#isEnding = true;
    const timer = setTimeout(() => this.#calledOff.abort(), withinMs);
    await this.#lanes;
    clearTimeout(timer);
  }

  /** Waits until every socket has the head of its session; what is missing after `withinMs` the judge will find. */
  async socketsCaughtUp(heads: ReadonlyMap<string, number>, withinMs: number): Promise<void> {
    const untilMs = Date.now() + withinMs;
    const isBehind = (): boolean =>
      this.#users.some(({ sender, session }) => (sender.socket.lastSeq ?? 0) < (heads.get(session) ?? 0));
    while (isBehind() && Date.now() < untilMs) await new Promise((wake) => setTimeout(wake, 100));
  }

  async close(): Promise<void> {
    this.#calledOff.abort();
    await Promise.all(this.#users.map(async ({ sender }) => await sender.socket.close()));
  }

  async #user(name: string, session: string, random: () => number): Promise<User> {
    const { url, tokenFor, ledger } = this.#options;
    const http = new HttpClient({ url, token: await tokenFor(name), patienceMs: PATIENCE_MS });
    const socket = new SessionSocket({
      http,
      sessionId: session,
      after: 0,
      onEvent: (event, by) => by === 'http' && ledger.write({ kind: 'refill', socket: name, events: [seenEvent(event)] }),
      onFault: (why) => ledger.write({ kind: 'socket-fault', socket: name, why }),
      onConnecting: (after = 0) => ledger.write({ kind: 'connecting', socket: name, session, after }),
      onFrame: (frame) => {
        if (frame.type === 'welcome') {
          const { from, recovered, epoch } = frame;
          ledger.write({ kind: 'welcome', socket: name, from, recovered, epoch });
        } else if (frame.type === 'events') {
          ledger.write({ kind: 'frame', socket: name, events: frame.events.map(seenEvent) });
        }
      },
    });
    return { name, session, sender: { http, socket }, random, count: 0, last: undefined };
  }

  async #lane(user: User): Promise<void> {
    while (!this.#isEnding && !this.#calledOff.signal.aborted) {
      await this.#gate.enter();
      try {
        if (!this.#isEnding) await this.#say(user);
      } finally {
        this.#gate.leave();
      }
    }
  }

  async #say(user: User): Promise<void> {
    const { operation, took } = this.#next(user);
    const accepted = await this.#perform(user, operation, () => (user.random() < 0.5 ? 'http' : 'socket'));
    if (accepted === undefined) return;
    took(accepted);
    if (operation.command !== 'message.send' || user.random() * 100 >= OWN_READS_PERCENT) return;
    const startedMs = performance.now();
    await readOwn(operation, accepted.entityId, user.sender.http, this.#options.ledger, this.#calledOff.signal);
    this.readMs.push(performance.now() - startedMs);
  }

  async #perform(user: User, operation: Operation, doorOf: () => Door): Promise<Accepted | undefined> {
    const startedMs = performance.now();
    const accepted = await perform(operation, user.sender, this.#options.ledger, doorOf, this.#calledOff.signal);
    if (accepted === undefined) return undefined;
    this.answered += 1;
    this.#options.onAccepted?.(operation, accepted, user.sender.http);
    const { key: op, session } = operation;
    if (accepted.eventId !== null) {
      this.events.push({ op, session, commandId: accepted.commandId, http: user.sender.http });
    }
    this.answerMs.push(performance.now() - startedMs);
    return accepted;
  }

  /** Mostly messages; now and then one's own last message is edited, reacted to, or deleted. */
  #next(user: User): { operation: Operation; took: (accepted: Accepted) => void } {
    const { session, name } = user;
    user.count += 1;
    const key = `${name}.${user.count}`;
    const path = sessionPath(session);
    const text = `${key} ${`${LOAD_WORD} `.repeat(1 + Math.floor(user.random() * 8))}`;
    const base = { key, session, user: name };
    const chance = user.random();
    const { last } = user;
    if (last === undefined || chance < 0.7) {
      return {
        operation: {
          ...base,
          command: 'message.send',
          data: { text },
          method: 'POST',
          path: `${path}/messages`,
          body: { text },
          text,
        },
        took: ({ entityId }) => (user.last = { id: entityId, hasReaction: false }),
      };
    }
    const at = `${path}/messages/${last.id}`;
    if (chance < 0.82) {
      const data = { messageId: last.id, text };
      return {
        operation: { ...base, command: 'message.edit', data, method: 'PATCH', path: at, body: { text }, text },
        took() {},
      };
    }
    if (chance < 0.95) {
      const [command, method] = last.hasReaction ? ['reaction.remove', 'DELETE'] : ['reaction.add', 'PUT'];
      const data = { messageId: last.id, emoji: '👍' };
      return {
        operation: { ...base, command, data, method, path: `${at}/reactions/${encodeURIComponent('👍')}` },
        took: () => (last.hasReaction = !last.hasReaction),
      };
    }
    return {
      operation: { ...base, command: 'message.delete', data: { messageId: last.id }, method: 'DELETE', path: at },
      took: () => (user.last = undefined),
    };
  }
}
