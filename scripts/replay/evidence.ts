import { canonicalJson } from '../../shared/core/text.ts';
import type { CommandStatus, Message, WireEvent } from './answers.ts';

/** An event as somebody received it. Equal events are one object, so that comparing a run is comparing references. */
export interface SeenEvent {
  readonly seq: number;
  readonly json: string;
}

/** A message that was answered 202. */
export interface AcceptedMessage {
  /** place in the transcript played, from 0 */
  index: number;
  userId: string;
  text: string;
  commandId: string;
  entityId: string;
  eventId: string | null;
  seq: number;
  /** highest seq that anyone in the session had been answered when this was first sent */
  floorSeq: number;
}

/** Everything seen of one session from outside; what the checker judges. */
export interface SessionEvidence {
  sessionId: string;
  sent: number;
  accepted: AcceptedMessage[];
  /** commands other than messages: creating the session, adding members */
  setup: { commandId: string; eventId: string | null; seq: number }[];
  /** messages that were not accepted, and what clients saw that they never should */
  faults: string[];
  /** over HTTP, in the order of the pages; messages newest first */
  events: WireEvent[];
  head: number;
  messages: Message[];
  sockets: { userId: string; seen: readonly SeenEvent[] }[];
  /** by commandId; absent: the status could not be read */
  statuses: ReadonlyMap<string, CommandStatus>;
}

/** Keeps one copy of each event however many sockets received it. */
export class EventLog {
  readonly #bySeq = new Map<number, SeenEvent[]>();

  see(event: { seq: number }): SeenEvent {
    const json = JSON.stringify(event);
    const known = this.#bySeq.get(event.seq);
    if (known === undefined) {
      const first = { seq: event.seq, json };
      this.#bySeq.set(event.seq, [first]);
      return first;
    }
    const same = known.find((each) => each.json === json) ?? known.find((each) => equalJson(each.json, json));
    if (same !== undefined) return same;
    const other = { seq: event.seq, json };
    known.push(other);
    return other;
  }
}

/** JSON objects have no order: members may come in any. */
export function equalJson(a: string, b: string): boolean {
  return canonicalJson(JSON.parse(a)) === canonicalJson(JSON.parse(b));
}
