import { nextClock, rfc3339 } from './clock.ts';
import type { SessionView } from './state.ts';
import { eventVersion, upcast, UPCASTERS } from './upcast.ts';
import type { Actor, Envelope, ErasedData, Event, EventDraft, EventType, WholeEvent } from './types.ts';

export interface Stamp {
  eventId: string;
  tenant: string;
  sessionId: string;
  /** prefix of `dataschema` */
  publicUrl: string;
  nowMs: number;
  actor: Actor;
  correlationId: string;
  commandId: string;
  traceparent?: string;
}

/** Gives a decided event its place: seq and clock follow the session's head. Its version is the newest of `upcasters`. */
export function stampEvent(view: SessionView, draft: EventDraft, stamp: Stamp, upcasters = UPCASTERS): WholeEvent {
  return {
    specversion: '1.0',
    id: stamp.eventId,
    source: `/sessions/${stamp.sessionId}`,
    type: draft.type,
    subject: draft.subject,
    time: rfc3339(stamp.nowMs),
    datacontenttype: 'application/json',
    dataschema: `${stamp.publicUrl}/schemas/${draft.type}/${eventVersion(draft.type, upcasters)}`,
    tenant: stamp.tenant,
    sessionid: stamp.sessionId,
    seq: view.head() + 1,
    clock: nextClock(view.clock(), stamp.nowMs),
    actor: stamp.actor.id,
    actorkind: stamp.actor.kind,
    ...(stamp.actor.name === undefined ? {} : { actorname: stamp.actor.name }),
    correlationid: stamp.correlationId,
    causationid: stamp.commandId,
    ...(stamp.traceparent === undefined ? {} : { traceparent: stamp.traceparent }),
    data: draft.data,
  } as WholeEvent;
}

/** In which versions a build writes events, and in which it reads them. Tests bring a build that knows later ones. */
export interface EventVersions {
  stamp: typeof stampEvent;
  /** what was stored, in the newest version */
  raise: (event: Event) => Event;
}

/** Those of this build. */
export const EVENT_VERSIONS: EventVersions = { stamp: stampEvent, raise: (event) => upcast(event) };

/** The same event after its erasure (contract §3). */
export function eraseEvent(event: Event): Envelope<EventType, ErasedData> {
  return { ...event, data: { id: event.subject, erased: true } };
}
