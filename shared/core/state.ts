import type { RunningStream } from './running-stream.ts';
import type { MemberRecord, MessageRecord, SessionRecord, StreamRecord } from './types.ts';

/** What may be known of a stream from outside: its record, and how far its text has come. */
export type StreamView = Readonly<StreamRecord> & Pick<RunningStream, 'nextIndex' | 'codePoints' | 'chunk' | 'textFrom' | 'torn'>;

/**
 * What `decide` may look at. The Session backs it with SQL rows, clients and the simulator with memory:
 * a session of a million messages does not fit a value, so the state is a port and not an immutable tree.
 */
export interface SessionView {
  session(): SessionRecord | undefined;
  /** the seq of the last event, 0 before the first */
  head(): number;
  /** the clock of the last event, '0' before the first */
  clock(): string;
  member(userId: string): MemberRecord | undefined;
  activeMembers(): number;
  activeOwners(): number;
  message(id: string): MessageRecord | undefined;
  /** the text of a message as far as the tail holds it: undefined when only the store does */
  recentText(message: MessageRecord): string | undefined;
  lastOrdinal(): number;
  /** a stream of this id: running, or ended (then its message exists, or existed); undefined when there never was one */
  stream(id: string): StreamView | 'ended' | undefined;
  runningStreams(): number;
  /** true once the storage of the session is 80 % full (design decision 6) */
  storageFull(): boolean;
}

/** What `apply` writes to. Every write is a whole row and idempotent. */
export interface SessionState extends SessionView {
  putSession(record: SessionRecord): void;
  putMember(record: MemberRecord): void;
  putMessage(record: MessageRecord): void;
  putStream(record: StreamRecord): void;
  /** the stream takes its next chunk */
  appendChunk(id: string, text: string): void;
  /** the running stream of this id, should there be one, has become a message */
  endStream(id: string): void;
  /** the data of these events becomes `{id, erased: true}`; returns nothing, erasing twice is erasing once */
  eraseEvents(seqs: readonly number[]): void;
  /** every event below this seq is erased, and every message row with it */
  eraseAllBelow(seq: number): void;
  advance(seq: number, clock: string): void;
}
