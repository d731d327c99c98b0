import type { SessionState } from './state.ts';
import { RunningStream } from './running-stream.ts';
import type { SpanRecord, TraceRecord } from './trace.ts';
import type { MemberRecord, MessageRecord, ReactionRecord, SessionRecord, StreamRecord } from './types.ts';

/** The state in memory: for the client, the simulator and tests. `erased` holds the seqs whose data is gone. */
export class MemoryState implements SessionState {
  readonly members = new Map<string, MemberRecord>();
  readonly messages = new Map<string, MessageRecord>();
  /** by message seq, then by emoji and user */
  readonly reactions = new Map<number, Map<string, ReactionRecord>>();
  readonly traces = new Map<string, TraceRecord>();
  /** by trace seq, then by span id, in order of their first events */
  readonly spans = new Map<number, Map<string, SpanRecord>>();
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
  reaction(messageSeq: number, emoji: string, userId: string): ReactionRecord | undefined {
    return this.reactions.get(messageSeq)?.get(reactionKey(emoji, userId));
  }
  reactionCounts(messageSeq: number): { reactions: number; emojis: number } {
    const all = [...(this.reactions.get(messageSeq)?.values() ?? [])];
    return { reactions: all.length, emojis: new Set(all.map(({ emoji }) => emoji)).size };
  }
  hasEmoji(messageSeq: number, emoji: string): boolean {
    return [...(this.reactions.get(messageSeq)?.values() ?? [])].some((each) => each.emoji === emoji);
  }
  trace(id: string): TraceRecord | undefined {
    return this.traces.get(id);
  }
  span(traceSeq: number, spanId: string): SpanRecord | undefined {
    return this.spans.get(traceSeq)?.get(spanId);
  }
  spanCount(traceSeq: number): number {
    return this.spans.get(traceSeq)?.size ?? 0;
  }
  spanSeqs(traceSeq: number): { firsts: number[]; updates: number[] } {
    const spans = [...(this.spans.get(traceSeq)?.values() ?? [])];
    return {
      firsts: spans.map(({ seq }) => seq),
      updates: spans.flatMap(({ updatedSeqs }) => updatedSeqs).toSorted((a, b) => a - b),
    };
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
  putReaction(record: ReactionRecord): void {
    const ofMessage = this.reactions.get(record.messageSeq) ?? new Map<string, ReactionRecord>();
    this.reactions.set(record.messageSeq, ofMessage.set(reactionKey(record.emoji, record.userId), record));
  }
  dropReaction(messageSeq: number, emoji: string, userId: string): void {
    const ofMessage = this.reactions.get(messageSeq);
    ofMessage?.delete(reactionKey(emoji, userId));
    if (ofMessage?.size === 0) this.reactions.delete(messageSeq);
  }
  dropReactions(messageSeq: number): void {
    this.reactions.delete(messageSeq);
  }
  putTrace(record: TraceRecord): void {
    this.traces.set(record.id, record);
  }
  putSpan(record: SpanRecord): void {
    const ofTrace = this.spans.get(record.traceSeq) ?? new Map<string, SpanRecord>();
    this.spans.set(record.traceSeq, ofTrace.set(record.spanId, record));
  }
  dropSpans(traceSeq: number): void {
    this.spans.delete(traceSeq);
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
    this.reactions.clear();
    this.traces.clear();
    this.spans.clear();
    this.streams.clear();
  }
  advance(seq: number, clock: string): void {
    this.#head = seq;
    this.#clock = clock;
  }
}

/** neither emoji nor user ids hold a space */
function reactionKey(emoji: string, userId: string): string {
  return `${emoji} ${userId}`;
}
