/**
 * What a read model concludes from how it finds its stream (design decision 11). Pure: what was noted and what is seen come in,
 * what to do comes out.
 *
 * Everything is reckoned from one time: `doneThroughMs`, up to which the read model has all that the stream had stored. What a
 * stream lost was stored later than that; so the durable is made anew from that time, and the archive is read from that
 * time, whatever became of the sequences. Sequences only tell that something is wrong.
 */

export interface StreamSeen {
  /** when the stream was made, as the server says it: another value is another stream */
  created: string;
  /** of an empty stream, one more than lastSeq */
  firstSeq: number;
  lastSeq: number;
  /** when the last message was stored, to the nanosecond, as the server says it */
  lastTime: string;
  /** sequences between the first and the last that are missing, rising, HOLES_MAX of the newest at most */
  holes: readonly number[];
  /** names the run of the server: another value after every start */
  server: string;
}

/** more of them at once are a loss too, and seen as one: the rest is not looked at */
export const HOLES_MAX = 1_000;

export interface DurableSeen {
  /** looked at before the stream: so it is never ahead of a stream that lost nothing */
  deliveredSeq: number;
  /** looked at after the stream, as is `idle` */
  ackFloorSeq: number;
  /** nothing waits for it, and nothing is out */
  idle: boolean;
}

export interface Seen {
  stream: StreamSeen;
  durable: DurableSeen;
  /** when the message was stored that now has the noted lastSeq; undefined: there is none */
  notedLastTime: string | undefined;
  /** when the first message was stored that the read model may lack; epoch milliseconds; undefined: there is none */
  nextTimeMs: number | undefined;
}

/** Up to where a read model has all that its stream had, and how that stream looked. */
export interface Position {
  created: string;
  firstSeq: number;
  lastSeq: number;
  lastTime: string;
  /** those above the floor: they were reckoned with */
  holes: number[];
  server: string;
  /** every message up to it that the read model takes is done */
  floorSeq: number;
  doneThroughMs: number;
}

/**
 * - `recreated`: another stream of the same name.
 * - `lost_tail`: the stream ends before what was noted, or has other messages there.
 * - `ahead`: the durable was given more than the stream has, and would skip as many new messages.
 * - `gone`: messages left the stream unread: by age, or by a purge of somebody else.
 * - `gap`: messages between the first and the last are missing.
 * - `restarted`: the server was started anew, or another one answers. What was stored since the last note may have been lost with
 *   it, and no sequence would tell: it ends where it ended then, or was filled with other messages.
 */
export type Finding = 'recreated' | 'lost_tail' | 'ahead' | 'gone' | 'gap' | 'restarted';

export interface Verdict {
  findings: readonly Finding[];
  /** the durable's place means nothing any more: it is to be made anew, from doneThroughMs on */
  remake: boolean;
  /** everything that was stored from here on may be missing; of no meaning without findings */
  lostFromMs: number;
}

/** What to do about what is seen. Without a finding the position is to be noted as it is now. */
export function judge(noted: Position | undefined, { stream, durable, notedLastTime }: Seen): Verdict {
  const findings: Finding[] = [];
  const isAhead = durable.deliveredSeq > stream.lastSeq;
  if (noted !== undefined) {
    if (stream.created !== noted.created) findings.push('recreated');
    else if (stream.lastSeq < noted.lastSeq || isOther(noted, notedLastTime)) findings.push('lost_tail');
    else if (stream.firstSeq > noted.floorSeq + 1) findings.push('gone');
    else if (stream.holes.some((seq) => seq > noted.floorSeq && !noted.holes.includes(seq))) findings.push('gap');
    else if (stream.server !== noted.server) findings.push('restarted');
  }
  if (isAhead) findings.push('ahead');
  return {
    findings,
    remake: isAhead || findings.includes('lost_tail') || stream.server !== (noted?.server ?? stream.server),
    lostFromMs: noted?.doneThroughMs ?? 0,
  };
}

function isOther({ lastTime }: Position, notedLastTime: string | undefined): boolean {
  return notedLastTime !== undefined && notedLastTime !== lastTime;
}

/**
 * The floor that a read model may claim now. `noted` is left out after a loss: its sequences are of another stream, or of a part
 * of this one that is no more.
 */
export function floorOf({ stream, durable }: Omit<Seen, 'nextTimeMs'>, noted?: Position): number {
  const own = durable.idle ? Math.max(durable.ackFloorSeq, stream.lastSeq) : durable.ackFloorSeq;
  // a durable that was made anew goes over it again: the read model still has it
  const before = noted?.created === stream.created ? noted.floorSeq : 0;
  // a floor below the first message speaks of nothing: what left the stream was judged by the verdict before
  return Math.max(own, before, stream.firstSeq - 1);
}

/** What to note now. */
export function positionOf(seen: Seen, floorSeq: number, before: Position | undefined): Position {
  const { created, firstSeq, lastSeq, lastTime, server } = seen.stream;
  const holes = seen.stream.holes.filter((seq) => seq > floorSeq);
  const isDone = floorSeq >= lastSeq;
  const doneThroughMs = isDone && lastSeq > 0 ? Date.parse(lastTime) : seen.nextTimeMs;
  return {
    created,
    firstSeq,
    lastSeq,
    lastTime,
    holes,
    server,
    floorSeq,
    // nothing was stored in a stream before it was made
    doneThroughMs: doneThroughMs ?? before?.doneThroughMs ?? Date.parse(created),
  };
}
