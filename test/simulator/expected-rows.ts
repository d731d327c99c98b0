import type { Event } from '../../shared/core/types.ts';

/** Rows of one session by key, as JSON. */
export interface Rows {
  messages: Map<string, string>;
  reactions: Map<string, string>;
  members: Map<string, string>;
  sessions: Map<string, string>;
}

export interface Expected {
  rows: Rows;
  /** seqs of the events whose data is gone */
  erased: Set<number>;
}

interface Message {
  id: string;
  author: string;
  text: string;
  gone: boolean;
}

/** The checker's own reading of contract §3, in the order of seqs: nothing of it is taken from the read model. */
export function expectedRows(events: readonly Event[]): Expected {
  const messages = new Map<number, Message>();
  const edits = new Map<number, number[]>();
  const held = new Set(events.map(({ seq }) => seq));
  const rows: Rows = { messages: new Map(), reactions: new Map(), members: new Map(), sessions: new Map() };
  const erased = new Set<number>();
  const session = { title: '', status: 'active' };
  const seqOf = new Map<string, number>();
  for (const { type, seq, actor, subject, data } of events.toSorted((a, b) => a.seq - b.seq)) {
    // as the contract's tables give them, type by type
    const of = data as unknown as Record<string, unknown> & { messageSeq: number; userId: string; text: string; id: string };
    const text = (value: unknown): string => String(value);
    if (type === 'message.created') {
      seqOf.set(subject, seq);
      messages.set(seq, { id: subject, author: actor, text: of.text, gone: false });
    } else if (type === 'message.updated') {
      // erased ones name the message by their subject alone
      const messageSeq = seqOf.get(subject) ?? of.messageSeq;
      edits.set(messageSeq, [...(edits.get(messageSeq) ?? []), seq]);
      const message = messages.get(messageSeq);
      if (message !== undefined && !message.gone) message.text = of.text;
    } else if (type === 'message.deleted') {
      messages.set(of.messageSeq, { id: of.id, author: text(of['author']), text: '', gone: true });
      for (const covered of [of.messageSeq, ...(edits.get(of.messageSeq) ?? [])]) {
        if (held.has(covered)) erased.add(covered);
      }
    } else if (type === 'trace.purged') {
      for (const each of events) if (each.subject === subject && each.seq < seq) erased.add(each.seq);
    } else if (type === 'reaction.added' || type === 'reaction.removed') {
      rows.reactions.set(`${of.messageSeq} ${text(of['emoji'])} ${of.userId}`, JSON.stringify(type === 'reaction.added'));
    } else if (type === 'member.added' || type === 'member.updated' || type === 'member.removed') {
      rows.members.set(of.userId, JSON.stringify({ role: of['role'], active: type !== 'member.removed' }));
    } else if (type === 'session.created') {
      for (const { userId, role } of of['members'] as { userId: string; role: string }[]) {
        rows.members.set(userId, JSON.stringify({ role, active: true }));
      }
      session.title = text(of['title']);
    } else if (type === 'session.updated') session.title = text(of['title']);
    else if (type === 'session.archived') session.status = 'archived';
    else if (type === 'session.restored') session.status = 'active';
  }
  for (const [seq, message] of messages) rows.messages.set(String(seq), JSON.stringify(message));
  if (events.length > 0) rows.sessions.set('session', JSON.stringify(session));
  return { rows, erased };
}
