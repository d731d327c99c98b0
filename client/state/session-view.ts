import {
  isWhole,
  type Event,
  type MemberAnswer,
  type SessionAnswer,
  type Signal,
  type UserAnswer,
  type WholeEvent,
  type WholeEventOf,
} from '../wire.ts';
import { upcast } from '../../shared/core/upcast.ts';
import { LiveState, type RunningStream } from './live.ts';
import { MessageList } from './message-list.ts';
import { TraceList } from './trace-list.ts';
import type { Environment } from '../environment.ts';

/** read pointers remembered of members that are not loaded; the oldest is forgotten first, and comes with its page */
const READ_AHEAD_MAX = 1_000;

/** What is known of a session: pages laid down, events applied on top. Knows nothing of sockets and requests. */
export class SessionView {
  session: SessionAnswer | undefined;
  /** who we are, as soon as a token or a welcome said so */
  me: UserAnswer | undefined;
  readSeq = 0;
  readonly #ahead = new Map<string, number>();
  readonly members = new Map<string, MemberAnswer>();
  readonly messages: MessageList;
  readonly traces = new TraceList();
  readonly live: LiveState;

  constructor(environment: Environment, changed: () => void) {
    this.messages = new MessageList(() => this.me?.id);
    this.live = new LiveState(environment, changed);
  }

  clear(): void {
    this.session = undefined;
    this.readSeq = 0;
    this.members.clear();
    this.#ahead.clear();
    this.messages.clear();
    this.traces.clear();
    this.live.clear();
  }

  /** Of any version that this build knows. */
  apply(stored: Event): void {
    const event = upcast(stored);
    if (isWhole(event)) this.#applyWhole(event);
    else if (event.type === 'message.created') this.messages.createdErased(event.subject);
    else if (event.type === 'message.updated') this.messages.updatedErased(event.subject, event.time);
  }

  #applyWhole(whole: WholeEvent): void {
    if (whole.type === 'message.created') {
      this.messages.created(whole);
      this.live.messageCreated(whole.data.id, whole.actor);
      this.#learnName(whole);
    } else if (whole.type === 'message.updated') this.messages.updated(whole);
    else if (whole.type === 'message.deleted') this.messages.deleted(whole);
    else if (whole.type === 'reaction.added' || whole.type === 'reaction.removed') {
      const { messageId, emoji, userId } = whole.data;
      this.messages.reaction(messageId, whole.seq, { emoji, userId, added: whole.type === 'reaction.added' });
    } else if (whole.type.startsWith('trace.')) this.traces.apply(whole);
    else this.#member(whole);
    this.#applyToSession(whole);
  }

  signal(signal: Signal): void {
    if (signal.name === 'read') this.read(signal.user.id, Number(signal.data['seq']));
    // a chunk that comes after its message says nothing new
    else if (this.messages.get(String(signal.data['messageId'])) === undefined) this.live.take(signal);
  }

  /** A read pointer, which only moves forward. */
  read(userId: string, seq: number): void {
    if (userId === this.me?.id) this.readSeq = Math.max(this.readSeq, seq);
    const member = this.members.get(userId);
    if (member === undefined) return this.#readAhead(userId, seq);
    if (member.readSeq < seq) this.members.set(userId, { ...member, readSeq: seq });
  }

  /** Members as a page has them, with the member events that came while it was on its way. */
  mergeMembers(items: readonly MemberAnswer[], since: readonly Event[]): void {
    for (const item of items) {
      const known = this.members.get(item.user.id)?.readSeq ?? this.#ahead.get(item.user.id) ?? 0;
      this.members.set(item.user.id, { ...item, readSeq: Math.max(item.readSeq, known) });
      if (item.user.id === this.me?.id) this.readSeq = Math.max(this.readSeq, item.readSeq);
    }
    for (const event of since) if (isWhole(event)) this.#member(event);
  }

  /** The session as the server has it, with the events that came while it was on its way. */
  setSession(session: SessionAnswer, since: readonly Event[]): void {
    if (this.session !== undefined && this.session.head > session.head) return;
    this.session = session;
    for (const event of since) if (isWhole(event)) this.#applyToSession(event);
  }

  /** Of a member whose page is still on its way. */
  #readAhead(userId: string, seq: number): void {
    this.#ahead.set(userId, Math.max(seq, this.#ahead.get(userId) ?? 0));
    const oldest = this.#ahead.keys().next().value;
    if (this.#ahead.size > READ_AHEAD_MAX && oldest !== undefined) this.#ahead.delete(oldest);
  }

  #applyToSession(event: WholeEvent): void {
    const { session } = this;
    // an answer of the server knows its head: what is up to there is in it
    if (session === undefined || event.seq <= session.head) return;
    this.session = { ...session, head: event.seq, ...this.#sessionChange(session, event) };
    if (event.type === 'member.removed' && event.data.userId === this.me?.id) delete this.session.role;
  }

  #sessionChange(session: SessionAnswer, event: WholeEvent): Partial<SessionAnswer> {
    const updatedAt = event.time;
    if (event.type === 'session.updated') return { ...event.data, updatedAt };
    if (event.type === 'session.archived') return { status: 'archived', updatedAt };
    if (event.type === 'session.restored') return { status: 'active', updatedAt };
    if (event.type === 'member.added') return { memberCount: session.memberCount + 1, ...this.#myRole(event) };
    if (event.type === 'member.updated') return this.#myRole(event);
    if (event.type === 'member.removed') return { memberCount: session.memberCount - 1 };
    return {};
  }

  #myRole({ data }: WholeEventOf<'member.added'> | WholeEventOf<'member.updated'>): Partial<SessionAnswer> {
    return data.userId === this.me?.id ? { role: data.role } : {};
  }

  /** Someone added by another is known by id alone until they speak. */
  #learnName(event: WholeEvent): void {
    const member = this.members.get(event.actor);
    if (member === undefined || event.actorname === undefined) return;
    if (member.user.name === event.actorname && member.user.kind === event.actorkind) return;
    this.members.set(event.actor, { ...member, user: { id: event.actor, name: event.actorname, kind: event.actorkind } });
  }

  #member(event: WholeEvent): void {
    if (event.type === 'member.removed') this.members.delete(event.data.userId);
    if (event.type !== 'member.added' && event.type !== 'member.updated') return;
    const { userId, role } = event.data;
    const known = this.members.get(userId);
    const itself = userId === event.actor;
    const name = itself ? event.actorname : known?.user.name;
    this.members.set(userId, {
      user: {
        id: userId,
        ...(name === undefined ? {} : { name }),
        kind: itself ? event.actorkind : (known?.user.kind ?? 'user'),
      },
      role,
      joinedAt: known?.joinedAt ?? event.time,
      readSeq: known?.readSeq ?? 0,
    });
  }
}

export type { RunningStream };
