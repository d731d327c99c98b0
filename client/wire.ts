import type {
  CommandStatus,
  InboxAnswer,
  InboxItem,
  MemberAnswer,
  MessageAnswer,
  PresenceAnswer,
  SessionAnswer,
  SessionsItem,
  TraceAnswer,
  TraceDetail,
  UserAnswer,
} from '../shared/contract/answers.ts';
import type { Envelope, ErasedData, EventDataByType } from '../shared/core/types.ts';
import type { PlannedEventData, PlannedSpan } from './planned.ts';

/** `data` of every event type (contract §3). */
export type EventData = EventDataByType & Omit<PlannedEventData, keyof EventDataByType>;
export type EventType = keyof EventData;
export type WholeEvent = { [T in EventType]: Envelope<T, EventData[T]> }[EventType];
export type WholeEventOf<T extends EventType> = Envelope<T, EventData[T]>;
/** An event as it may be read anywhere: whole, or erased. */
export type Event = WholeEvent | Envelope<EventType, ErasedData>;

/** Erased data says so (contract §3). */
export function isWhole(event: Event): event is WholeEvent {
  return (event.data as { erased?: unknown }).erased !== true;
}

export type Span = PlannedSpan;

export interface Page<T> {
  items: T[];
  nextCursor?: string;
}

export interface MessagesPage extends Page<MessageAnswer> {
  previousCursor: string;
}

export interface EventsPage {
  items: Event[];
  head: number;
  epoch: string;
}

export interface SearchAnswer extends Page<{ message: MessageAnswer; highlight: string; score: number }> {
  total: number;
  asOf: string;
}

/** What is not kept (contract §4). */
export interface Signal {
  type: 'signal';
  name: 'typing' | 'presence' | 'read' | 'stream' | 'cancel' | (string & {});
  user: UserAnswer;
  data: Record<string, unknown>;
  at: string;
}

export interface Welcome {
  type: 'welcome';
  epoch: string;
  head: number;
  from: number;
  recovered: boolean;
  readSeq: number;
  user: UserAnswer;
  heartbeatMs: number;
  window: { events: number; bytes: number };
  expiresAt: string;
}

export type {
  CommandStatus,
  InboxAnswer,
  InboxItem,
  MemberAnswer,
  MessageAnswer,
  PresenceAnswer,
  SessionAnswer,
  SessionsItem,
  TraceAnswer,
  TraceDetail,
  UserAnswer,
};
