import type { Event, EventDataByType, EventType, MemberRole, MessageAddress } from '../../shared/core/types.ts';
import { Chance } from './chance.ts';

/**
 * The events of an import, as they come to the stream: many sessions side by side, each in its order. The same seed makes the
 * same events, so that whoever measures does not have to hand them around.
 */

const TENANT = 'default';
/** sessions that grow at the same time */
const OPEN_SESSIONS = 200;
const MEMBERS_MIN = 2;
const MEMBERS_MAX = 8;
/** messages of a session: from a few to some thousands, most have some dozens */
const MESSAGES_MEDIAN = 60;
const MESSAGES_SIGMA = 1.1;
/** words of a message: most have a line, few have pages */
const WORDS_MEDIAN = 14;
const WORDS_SIGMA = 1;
const WORDS_MAX = 1_500;
/** of what follows a message */
const EDIT_SHARE = 0.03;
const DELETE_SHARE = 0.01;
const REACTION_SHARE = 0.12;
const MENTION_SHARE = 0.06;
const REPLY_SHARE = 0.1;
const EMOJI = ['👍', '🎉', '❤️', '👀', '✅'] as const;
const ACCEPTED_AT_MS = Date.UTC(2026, 0, 5);
const FIRST_CREATED_AT_MS = Date.UTC(2021, 0, 4);
const VOCABULARY = 4_000;
const SYLLABLES = 'ba ke lo ri mu ten sar vi del po cha gro ni fel tor am ost ei war lin'.split(' ');

export const SEED = 20_261;

interface OpenSession {
  id: string;
  seq: number;
  ordinal: number;
  users: string[];
  /** members of whom it was not told yet */
  joining: string[];
  messagesLeft: number;
  messages: { address: MessageAddress; updatedSeqs: number[] }[];
  createdAtMs: number;
}

/** Exactly so many events. Pure. */
export function* importedEvents(events: number, seed: number = SEED): Generator<Event> {
  const importing = new Importing(seed);
  for (let made = 0; made < events; made += 1) yield importing.next();
}

class Importing {
  readonly #chance: Chance;
  readonly #words: string[];
  readonly #open: OpenSession[] = [];
  #sessions = 0;
  #events = 0;

  constructor(seed: number) {
    this.#chance = new Chance(seed);
    this.#words = Array.from({ length: VOCABULARY }, () => this.#word());
  }

  next(): Event {
    const at = this.#chance.below(OPEN_SESSIONS);
    const session = this.#open[at];
    if (session === undefined || (session.messagesLeft === 0 && session.joining.length === 0)) {
      const opened = this.#opened();
      this.#open[Math.min(at, this.#open.length)] = opened;
      return this.#created(opened);
    }
    const joining = session.joining.pop();
    if (joining !== undefined) return this.#event(session, 'member.added', joining, { userId: joining, role: 'member' });
    return this.#aboutMessage(session);
  }

  #opened(): OpenSession {
    this.#sessions += 1;
    const members = MEMBERS_MIN + this.#chance.below(MEMBERS_MAX - MEMBERS_MIN + 1);
    const users = Array.from({ length: members }, () => `user-${this.#chance.below(5_000)}`);
    return {
      id: `imported-${this.#sessions}`,
      seq: 0,
      ordinal: 0,
      users,
      // two of those who were there from the start, and the rest one by one
      joining: users.slice(2),
      messagesLeft: Math.ceil(this.#chance.logNormal(MESSAGES_MEDIAN, MESSAGES_SIGMA)),
      messages: [],
      createdAtMs: FIRST_CREATED_AT_MS + this.#sessions * 60_000,
    };
  }

  #created(session: OpenSession): Event {
    const members = session.users.slice(0, 2).map((userId, index) => {
      const role: MemberRole = index === 0 ? 'owner' : 'member';
      return { userId, role };
    });
    const fields = { title: this.#text(4), description: '', visibility: 'private', metadata: { importedFrom: 'bench' } } as const;
    return this.#event(session, 'session.created', session.id, { ...fields, members });
  }

  #aboutMessage(session: OpenSession): Event {
    const { messages } = session;
    const kind = this.#chance.unit();
    const target = messages.length === 0 ? undefined : messages[this.#chance.below(messages.length)];
    if (target === undefined || kind >= EDIT_SHARE + DELETE_SHARE + REACTION_SHARE) return this.#sent(session);
    const { address, updatedSeqs } = target;
    if (kind < EDIT_SHARE) {
      const edited = this.#event(session, 'message.updated', address.id, { ...address, text: this.#messageText() });
      updatedSeqs.push(edited.seq);
      return edited;
    }
    if (kind < EDIT_SHARE + DELETE_SHARE) {
      messages.splice(messages.indexOf(target), 1);
      const covered = updatedSeqs.length === 0 ? {} : { updatedSeqs };
      return this.#event(session, 'message.deleted', address.id, { ...address, ...covered });
    }
    const { id: messageId, messageSeq } = address;
    const userId = this.#someone(session);
    return this.#event(session, 'reaction.added', messageId, { messageId, messageSeq, emoji: this.#chance.of(EMOJI), userId });
  }

  #sent(session: OpenSession): Event {
    session.ordinal += 1;
    session.messagesLeft = Math.max(0, session.messagesLeft - 1);
    session.createdAtMs += this.#chance.below(120_000);
    const id = `${session.id}-m${session.ordinal}`;
    const author = this.#someone(session);
    const mentions = this.#chance.unit() < MENTION_SHARE ? [this.#someone(session)] : [];
    const parent = this.#chance.unit() < REPLY_SHARE ? session.messages.at(-1)?.address.id : undefined;
    const address = {
      id,
      role: 'user',
      ...(parent === undefined ? {} : { parentId: parent }),
      mentions,
      createdAt: new Date(session.createdAtMs).toISOString(),
    } as const;
    const data = { ...address, ordinal: session.ordinal, text: this.#messageText(), status: 'completed', metadata: {} } as const;
    const event = this.#event(session, 'message.created', id, data, author);
    session.messages.push({ address: { ...address, author, messageSeq: event.seq }, updatedSeqs: [] });
    return event;
  }

  #event<T extends EventType>(
    session: OpenSession,
    type: T,
    subject: string,
    data: EventDataByType[T],
    actor: string = this.#someone(session),
  ): Event {
    session.seq += 1;
    this.#events += 1;
    const acceptedAtMs = ACCEPTED_AT_MS + this.#events;
    const event = {
      specversion: '1.0',
      id: idOf(this.#events),
      source: `/sessions/${session.id}`,
      type,
      subject,
      time: new Date(acceptedAtMs).toISOString(),
      datacontenttype: 'application/json',
      dataschema: `http://localhost:8787/schemas/${type}/1`,
      tenant: TENANT,
      sessionid: session.id,
      seq: session.seq,
      clock: String(acceptedAtMs * 1_000),
      actor,
      actorkind: 'user',
      correlationid: idOf(2 * this.#events),
      causationid: idOf(3 * this.#events),
      data,
    };
    // type and data belong together, as the caller's own signature says
    return event as unknown as Event;
  }

  #someone({ users, joining }: OpenSession): string {
    return users[this.#chance.below(users.length - joining.length)] ?? 'user-0';
  }

  #messageText(): string {
    return this.#text(Math.min(WORDS_MAX, Math.ceil(this.#chance.logNormal(WORDS_MEDIAN, WORDS_SIGMA))));
  }

  #text(words: number): string {
    // squared: some words are common and most are rare
    const word = (): string => this.#words[Math.floor(this.#chance.unit() ** 2 * VOCABULARY)] ?? '';
    return Array.from({ length: words }, word).join(' ');
  }

  #word(): string {
    return Array.from({ length: 1 + this.#chance.below(4) }, () => this.#chance.of(SYLLABLES)).join('');
  }
}

/** As long as a UUID, and without chance. */
function idOf(number: number): string {
  return `0197${number.toString(16).padStart(8, '0')}-0000-7000-8000-${number.toString(16).padStart(12, '0')}`.slice(0, 40);
}
