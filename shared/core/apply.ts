import { applyMemberAdded, applyMemberRemoved, applyMemberUpdated } from './events/member.ts';
import { applyMessageCreated, applyMessageDeleted, applyMessageUpdated } from './events/message.ts';
import { applyReactionAdded, applyReactionRemoved } from './events/reaction.ts';
import {
  applySessionArchived,
  applySessionCreated,
  applySessionDeleted,
  applySessionRestored,
  applySessionUpdated,
} from './events/session.ts';
import { applyTraceFinished, applyTracePurged, applyTraceSpan, applyTraceStarted } from './events/trace.ts';
import type { SessionState } from './state.ts';
import { isErased, type Event, type EventType, type WholeEventOf } from './types.ts';

type Appliers = { [T in EventType]: (state: SessionState, event: WholeEventOf<T>) => void };

/** One per event type, each tested alone. */
export const EVENT_APPLIERS: Appliers = {
  'session.created': applySessionCreated,
  'session.updated': applySessionUpdated,
  'session.archived': applySessionArchived,
  'session.restored': applySessionRestored,
  'session.deleted': applySessionDeleted,
  'member.added': applyMemberAdded,
  'member.updated': applyMemberUpdated,
  'member.removed': applyMemberRemoved,
  'message.created': applyMessageCreated,
  'message.updated': applyMessageUpdated,
  'message.deleted': applyMessageDeleted,
  'reaction.added': applyReactionAdded,
  'reaction.removed': applyReactionRemoved,
  'trace.started': applyTraceStarted,
  'trace.span': applyTraceSpan,
  'trace.finished': applyTraceFinished,
  'trace.purged': applyTracePurged,
};

/** Applies the next event of a session. An erased event moves the head and changes nothing else. */
export function apply(state: SessionState, event: Event): void {
  if (!isErased(event)) {
    // the table pairs each type with its handler, which the compiler cannot follow through an index
    const applier = EVENT_APPLIERS[event.type] as (state: SessionState, event: Event) => void;
    applier(state, event);
  }
  state.advance(event.seq, event.clock);
}
