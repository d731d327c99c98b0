export { Millrace } from './millrace.ts';
export { MillraceError, type ClientErrorCode } from './error.ts';
export type { CommandData, CommandName } from './commands.ts';
export type {
  Environment,
  GivenToken,
  MillraceOptions,
  SignsOfLife,
  SocketConstructor,
  SocketLike,
  LocksLike,
  StorageLike,
} from './environment.ts';
export type { Inbox } from './inbox.ts';
export type { InboxSnapshot } from './inbox-snapshot.ts';
export type { Outcome } from './net/outbox.ts';
export type { Queries, QueryName } from './queries.ts';
export type { Session, SentMessage, SessionListeners } from './session.ts';
export type { CommandOptions } from './session-engine.ts';
export type { SessionSnapshot, SessionStatus } from './snapshot.ts';
export type { RunningStream } from './state/live.ts';
export type { ClientMessage } from './state/rows.ts';
export type { ClientTrace } from './state/trace-list.ts';
export type { StreamWriter } from './stream-writer.ts';
export type {
  CommandStatus,
  Event,
  EventData,
  EventsPage,
  EventType,
  InboxAnswer,
  InboxItem,
  MemberAnswer,
  MessageAnswer,
  MessagesPage,
  Page,
  PresenceAnswer,
  SearchAnswer,
  SessionAnswer,
  SessionsItem,
  Signal,
  Span,
  TraceAnswer,
  UserAnswer,
  WholeEvent,
  WholeEventOf,
} from './wire.ts';
