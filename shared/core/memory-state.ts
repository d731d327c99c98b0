import type { SessionState } from './state.ts';
import { RunningStream } from './running-stream.ts';
import type { MemberRecord, MessageRecord, SessionRecord, StreamRecord } from './types.ts';

/** The state in memory: for the client, the simulator and tests. `erased` holds the seqs whose data is gone. */
export class MemoryState implements SessionState {
  readonly members = new Map<string, MemberRecord>();
  readonly messages = new Map<string, MessageRecord>();
  readonly streams = new Map<string, RunningStream | 'ended'>();
  readonly erased = new Set<number>();
  #session: SessionRecord | undefined;
  #head = 0;
  #clock = '0';
  #lastOrdinal = 0;

  session(): SessionRecord | undefined {
    return this.#session;
  }
  head(): number {
    return this.#head;
  }
  clock(): string {
    return this.#clock;
  }
  member(userId: string): MemberRecord | undefined {
    return this.members.get(userId);
  }
  activeMembers(): number {
    return [...this.members.values()].filter((member) => member.active).length;
  }
  activeOwners(): number {
    return [...this.members.values()].filter((member) => member.active && member.role === 'owner').length;
  }
  message(id: string): MessageRecord | undefined {
    return this.messages.get(id);
  }
  /** texts are not among the rows that it keeps */
  recentText(): string | undefined {
    return undefined;
  }
  lastOrdinal(): number {
    return this.#lastOrdinal;
  }
  stream(id: string): RunningStream | 'ended' | undefined {
    return this.streams.get(id);
  }
  runningStreams(): number {
    return [...this.streams.values()].filter((stream) => stream !== 'ended').length;
  }
  storageFull(): boolean {
    return false;
  }
  putSession(record: SessionRecord): void {
    this.#session = record;
  }
  putMember(record: MemberRecord): void {
    this.members.set(record.userId, record);
  }
  putMessage(record: MessageRecord): void {
    this.messages.set(record.id, record);
    this.#lastOrdinal = Math.max(this.#lastOrdinal, record.ordinal);
  }
  putStream(record: StreamRecord): void {
    this.streams.set(record.id, new RunningStream(record));
  }
  appendChunk(id: string, text: string): void {
    const stream = this.streams.get(id);
    if (stream instanceof RunningStream) stream.append(text);
  }
  endStream(id: string): void {
    if (this.streams.has(id)) this.streams.set(id, 'ended');
  }
  eraseEvents(seqs: readonly number[]): void {
    for (const seq of seqs) this.erased.add(seq);
  }
  eraseAllBelow(seq: number): void {
    for (let each = 1; each < seq; each += 1) this.erased.add(each);
    this.messages.clear();
    this.streams.clear();
  }
  advance(seq: number, clock: string): void {
    this.#head = seq;
    this.#clock = clock;
  }
}
