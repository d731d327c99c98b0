import type { SessionState } from '../state.ts';
import { utf8Bytes } from '../text.ts';
import type { WholeEventOf } from '../types.ts';

export function applyMessageCreated(state: SessionState, event: WholeEventOf<'message.created'>): void {
  const { data } = event;
  state.putMessage({
    id: data.id,
    seq: event.seq,
    ordinal: data.ordinal,
    author: event.actor,
    authorKind: event.actorkind,
    ...(event.actorname === undefined ? {} : { authorName: event.actorname }),
    role: data.role,
    ...(data.name === undefined ? {} : { name: data.name }),
    ...(data.parentId === undefined ? {} : { parentId: data.parentId }),
    mentions: data.mentions,
    createdAt: Date.parse(data.createdAt),
    updatedSeqs: [],
    clock: event.clock,
    textBytes: jsonBytes(data.text),
    restBytes: jsonBytes({ ...data, text: '' }),
  });
  state.endStream(data.id);
  learnName(state, event);
}

export function applyMessageUpdated(state: SessionState, event: WholeEventOf<'message.updated'>): void {
  const message = state.message(event.data.id);
  if (message === undefined) return;
  state.putMessage({
    ...message,
    editedAt: Date.parse(event.time),
    updatedSeqs: [...message.updatedSeqs, event.seq],
    clock: event.clock,
    textBytes: jsonBytes(event.data.text),
  });
}

export function applyMessageDeleted(state: SessionState, event: WholeEventOf<'message.deleted'>): void {
  const message = state.message(event.data.id);
  if (message === undefined) return;
  state.putMessage({
    ...message,
    deletedAt: Date.parse(event.time),
    mentions: [],
    updatedSeqs: [],
    clock: event.clock,
    textBytes: 0,
  });
  state.eraseEvents([message.seq, ...message.updatedSeqs]);
}

function jsonBytes(value: unknown): number {
  return utf8Bytes(JSON.stringify(value));
}

/** Someone added by another is known by id alone until they speak. */
function learnName(state: SessionState, event: WholeEventOf<'message.created'>): void {
  const member = state.member(event.actor);
  if (member === undefined || event.actorname === undefined) return;
  if (member.name === event.actorname && member.kind === event.actorkind) return;
  state.putMember({ ...member, name: event.actorname, kind: event.actorkind });
}
