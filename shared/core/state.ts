import type { MemberRecord, MessageRecord, SessionRecord } from './types.ts';

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
  /** true once the storage of the session is 80 % full (design decision 6) */
  storageFull(): boolean;
}

/** What `apply` writes to. Every write is a whole row and idempotent. */
export interface SessionState extends SessionView {
  putSession(record: SessionRecord): void;
  putMember(record: MemberRecord): void;
  putMessage(record: MessageRecord): void;
  /** the data of these events becomes `{id, erased: true}`; returns nothing, erasing twice is erasing once */
  eraseEvents(seqs: readonly number[]): void;
  /** every event below this seq is erased, and every message row with it */
  eraseAllBelow(seq: number): void;
  advance(seq: number, clock: string): void;
}
