import type { MessageAnswer, WholeEventOf } from '../wire.ts';
import type { MillraceError } from '../error.ts';

/** A message as the application sees it. */
export interface ClientMessage extends MessageAnswer {
  /** `pending`: not answered yet; `failed`: refused, see `error`, `retry` and `discard` of the session */
  state: 'sent' | 'pending' | 'failed';
  error?: MillraceError;
  /** of the command that made it, where its event was seen: asks for its status (`command.get`) */
  commandId?: string;
}

/**
 * A message and what is known of its age: it was read between the seqs `low` and `high`. Events up to `low` are in it,
 * those above `high` are not; of those between nobody knows, and a count that they change is read again.
 */
export interface Row {
  message: ClientMessage;
  low: number;
  high: number;
}

export function messageOf(event: WholeEventOf<'message.created'>): ClientMessage {
  const { data } = event;
  return {
    id: data.id,
    sessionId: event.sessionid,
    seq: event.seq,
    author: { id: event.actor, ...(event.actorname === undefined ? {} : { name: event.actorname }), kind: event.actorkind },
    role: data.role,
    ...(data.name === undefined ? {} : { name: data.name }),
    text: data.text,
    status: data.status,
    ...(data.parentId === undefined ? {} : { parentId: data.parentId }),
    replyCount: 0,
    ...(data.toolCallId === undefined ? {} : { toolCallId: data.toolCallId }),
    mentions: data.mentions,
    reactions: [],
    createdAt: data.createdAt,
    metadata: data.metadata,
    attachments: [],
    state: 'sent',
    commandId: event.causationid,
  };
}

/** What is left of a message that was created and deleted while nobody looked. */
export function tombstoneOf(event: WholeEventOf<'message.deleted'>): ClientMessage {
  const { data } = event;
  return erased(
    {
      id: data.id,
      sessionId: event.sessionid,
      seq: data.messageSeq,
      author: { id: data.author, kind: 'user' },
      role: data.role,
      ...(data.name === undefined ? {} : { name: data.name }),
      text: '',
      status: 'completed',
      ...(data.parentId === undefined ? {} : { parentId: data.parentId }),
      replyCount: 0,
      mentions: [],
      reactions: [],
      createdAt: data.createdAt,
      metadata: {},
      attachments: [],
      state: 'sent',
    },
    event.time,
  );
}

export function edited(message: ClientMessage, event: WholeEventOf<'message.updated'>): ClientMessage {
  // a page may show a later edit already, and a deletion is final
  const known = message.deletedAt !== undefined || (message.editedAt !== undefined && message.editedAt > event.time);
  return known ? message : { ...message, text: event.data.text, editedAt: event.time };
}

export function erased(message: ClientMessage, deletedAt: string): ClientMessage {
  const { toolCallId: _gone, ...rest } = message;
  return { ...rest, text: '', mentions: [], metadata: {}, reactions: [], deletedAt };
}

export interface ReactionChange {
  emoji: string;
  userId: string;
  added: boolean;
}

/** how many users a reaction names (contract §2) */
const REACTION_USERS_MAX = 20;

export function reacted(message: ClientMessage, { emoji, userId, added }: ReactionChange, me: string | undefined): ClientMessage {
  const before = message.reactions.find((reaction) => reaction.emoji === emoji);
  const userIds = before?.userIds ?? [];
  const named = userIds.includes(userId);
  // all are named, so whether it is counted already is certain
  const complete = (before?.count ?? 0) === userIds.length;
  if (complete && named === added) return message;
  const count = (before?.count ?? 0) + (added ? 1 : -1);
  const others = userIds.filter((each) => each !== userId);
  const reaction = {
    emoji,
    count,
    mine: userId === me ? added : (before?.mine ?? false),
    userIds: added && !named && userIds.length < REACTION_USERS_MAX ? [...userIds, userId] : added ? userIds : others,
  };
  const at = message.reactions.findIndex((each) => each.emoji === emoji);
  const reactions =
    at === -1 ? [...message.reactions, reaction] : message.reactions.map((each, index) => (index === at ? reaction : each));
  return { ...message, reactions: reactions.filter((each) => each.count > 0) };
}
