import type { EventParser } from '../../shared/contract/event-schema.ts';
import { HOUR_MS, type Archive } from '../stores/history/archive.ts';
import { ArchiveFeed, FeedStopped } from './archive-feed.ts';
import { wait } from './backoff.ts';
import type { DeadLetters } from './dead-letters.ts';
import { floorOf, judge, positionOf, type Position, type Seen, type Verdict } from './guard.ts';
import { onceBuried, type LetterSource } from './letters.ts';
import { describe, type Log } from './log.ts';
import { parseNote, TOUCHED_NOTE, type Note, type PendingReplay } from './position-note.ts';
import type { Projection } from './projection.ts';
import { replay, SKEW_MS_MAX } from './replay.ts';
import type { StreamLook } from './stream-look.ts';
import type { Time } from './time.ts';

/** Looks after one read model: notes where it stands, and gives it back what its stream lost. Any number of workers do it at once. */

/** how often a position is noted; whoever removes messages that were read waits for longer (see PURGE_FLOOR_AGE_MS) */
export const NOTE_EVERY_MS = 30_000;
/**
 * A floor that all durables had reached this long ago is noted by now: what lies below it may be purged without a guard taking it
 * for a loss. A purge up to what was acknowledged just now looks, from the outside, like that of a stranger.
 */
export const PURGE_FLOOR_AGE_MS = 3 * NOTE_EVERY_MS;
/** a loss has to be seen twice, so far apart: a server that is just taking over may not know all of it */
const CONFIRM_MS = 1_000;
/** before what may be missing: clocks that differ, and a server whose clock was set */
const MARGIN_MS = HOUR_MS + SKEW_MS_MAX;
/** in hand at most: a batch is told apart from a poison that hangs in it half by half, HANDLE_MS_MAX each */
const IN_HAND_MS_MAX = 10 * 60_000;
/**
 * A worker that writes what it had in hand when the stream was lost has done so by then: it is read once more. One worker notes
 * when that is and another reads it, whose clock may be as wrong the other way.
 */
export const AGAIN_AFTER_MS = IN_HAND_MS_MAX + 2 * SKEW_MS_MAX;
/** a worker that says nothing for so long does its replay no more */
const CLAIM_MS = 60_000;
const CLAIM_EVERY_MS = 15_000;

/**
 * What reaches a read model of what its stream lost:
 * - `all`: it, and at the first start all that there ever was.
 * - `lost`: it, and nothing of the time before its first start.
 * - `none`: nothing, for the archive is its own; its events come again from the edge.
 */
export type Refill = 'all' | 'lost' | 'none';

export interface GuardPorts {
  /** names the worker among those that share the durable */
  workerId: string;
  projection: Projection;
  refill: Refill;
  archive: Archive;
  look: StreamLook;
  letters: LetterSource;
  deadLetters: DeadLetters;
  /** makes stream and durable where they are missing */
  ensure: () => Promise<void>;
  parse?: EventParser | undefined;
  log: Log;
  time: Time;
}

interface Judged {
  note: Note | undefined;
  seen: Seen;
  verdict: Verdict;
}

export class Guard {
  readonly #ports: GuardPorts;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #complained = false;

  constructor(ports: GuardPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** A replay under way ends, and goes on where it was at the next start. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, time, projection } = this.#ports;
    let isAgain = false;
    while (!this.#stop.signal.aborted) {
      try {
        const isChanged = await this.check();
        this.#complained = false;
        // what happened meanwhile is not to wait; but a loss that is found at every look is
        isAgain = isChanged && !isAgain;
        if (isAgain) continue;
      } catch (error) {
        if (!(error instanceof FeedStopped) && !this.#complained) {
          log('warn', 'cannot look after the stream, and tries again', { consumer: projection.name, error: describe(error) });
          this.#complained = true;
        }
      }
      await wait(NOTE_EVERY_MS, this.#stop.signal, time);
    }
  }

  /**
   * One look, and what follows of it; answers whether anything was given back, or a durable made anew. Rejects when something is
   * not to be reached; nothing is noted then that is not so.
   */
  async check(): Promise<boolean> {
    const { archive, ensure, projection, refill, time } = this.#ports;
    await ensure();
    if (refill === 'none') await this.#noteTouched();
    const text = await archive.readNote(projection.name);
    const note = parseNote(text);
    if (note?.replay !== undefined && note.replay.notBeforeMs <= time.now()) return await this.#replay(note, note.replay);
    const judged = await this.#judge(note);
    const isNew = note?.position === undefined && refill === 'all';
    if (judged.verdict.findings.length > 0 || isNew) {
      // another worker saw it too, and is at it
      if ((await archive.readNote(projection.name)) !== text) return false;
      return await this.#recover(judged);
    }
    const position = positionOf(judged.seen, floorOf(judged.seen, note?.position), note?.position);
    const next: Note = { v: 1, position, ...(note?.replay === undefined ? {} : { replay: note.replay }) };
    await this.#write(next, text);
    return false;
  }

  /** Since when every event is found by its hour: the worker that writes them says so at its first start. */
  async #noteTouched(): Promise<void> {
    const { archive, time } = this.#ports;
    if ((await archive.readNote(TOUCHED_NOTE)) !== undefined) return;
    // what another worker, of an older build, wrote a moment ago is not found by its hour
    await archive.writeNote(TOUCHED_NOTE, JSON.stringify({ sinceMs: time.now() + HOUR_MS }));
  }

  async #judge(note: Note | undefined): Promise<Judged> {
    const first = await this.#look(note);
    if (first.verdict.findings.length === 0) return first;
    await wait(CONFIRM_MS, this.#stop.signal, this.#ports.time);
    return await this.#look(note);
  }

  async #look(note: Note | undefined): Promise<Judged> {
    const seen = await this.#see(note?.position);
    return { note, seen, verdict: judge(note?.position, seen) };
  }

  async #see(noted: Position | undefined): Promise<Seen> {
    const { look, projection } = this.#ports;
    const { stream, durable } = await look.look(projection.name);
    const isSame = noted?.created === stream.created;
    const notedLastTime = isSame && noted.lastSeq <= stream.lastSeq ? await look.storedAt(noted.lastSeq) : undefined;
    const floor = floorOf({ stream, durable, notedLastTime }, noted);
    const next = floor < stream.lastSeq ? await look.firstStoredAt(floor + 1) : undefined;
    return { stream, durable, notedLastTime, nextTimeMs: next === undefined ? undefined : Date.parse(next) };
  }

  /** The durable at the right place first, for new events are being skipped; then what was lost. */
  async #recover({ note, verdict }: Judged): Promise<boolean> {
    const { log, look, projection, refill, time } = this.#ports;
    const { findings, remake } = verdict;
    const isSuspicion = findings.every((finding) => finding === 'restarted');
    const lostFromMs = Math.max(0, verdict.lostFromMs - (isSuspicion ? SKEW_MS_MAX : MARGIN_MS));
    // what an earlier loss still lacks is a part of this one
    const fromMs = Math.min(lostFromMs, note?.replay?.fromMs ?? Infinity);
    if (findings.length > 0) {
      const fields = { consumer: projection.name, findings: [...findings], fromMs };
      if (isSuspicion) log('info', 'the server was started anew: what came last is read again', fields);
      else log('error', 'the stream lost events', fields);
    }
    if (remake) {
      await look.remake(projection, fromMs);
      log('warn', 'durable made anew', { consumer: projection.name, fromMs });
    }
    const seen = await this.#see(undefined);
    const becomes = positionOf(seen, floorOf(seen), note?.position);
    if (refill === 'none') {
      await this.#write({ v: 1, position: becomes });
      return true;
    }
    const once = findings.length === 0;
    const pending: PendingReplay = { fromMs, notBeforeMs: time.now(), begunMs: time.now(), becomes, ...(once ? { once } : {}) };
    const next: Note = { v: 1, ...(note?.position === undefined ? {} : { position: note.position }), replay: pending };
    return await this.#replay(next, pending);
  }

  async #replay(note: Note, pending: PendingReplay): Promise<boolean> {
    const { archive, deadLetters, letters, log, parse, projection, time, workerId } = this.#ports;
    if (pending.claim !== undefined && pending.claim.by !== workerId && pending.claim.untilMs > time.now()) return false;
    const { signal } = this.#stop;
    const mine: PendingReplay = { begunMs: time.now(), ...pending };
    const claimed = async (): Promise<void> => {
      mine.claim = { by: workerId, untilMs: time.now() + CLAIM_MS };
      await this.#write({ ...note, replay: mine });
    };
    await claimed();
    let claimedMs = time.now();
    log('info', 'replaying from the archive', { consumer: projection.name, fromMs: mine.fromMs });
    const feed = new ArchiveFeed({ projection, deadLetters: onceBuried(deadLetters, letters), parse, log, time, signal });
    const progress = async (nextHour?: number): Promise<void> => {
      if (signal.aborted) throw new FeedStopped();
      if (nextHour !== undefined) mine.nextHour = nextHour;
      if (nextHour === undefined && time.now() - claimedMs < CLAIM_EVERY_MS) return;
      claimedMs = time.now();
      await claimed();
    };
    const events = await replay({ archive, letters, feed, now: time.now }, mine, progress).catch(async (error: unknown) => {
      // whoever comes next need not wait until we are taken for dead
      const { claim: _ours, ...left } = mine;
      if (error instanceof FeedStopped) await this.#write({ ...note, replay: left });
      throw error;
    });
    log('info', 'replayed', { consumer: projection.name, events });
    await this.#write(afterReplay(note, mine, time.now()));
    return true;
  }

  async #write(note: Note, before?: string): Promise<void> {
    const { archive, projection } = this.#ports;
    const text = JSON.stringify(note);
    if (text !== before) await archive.writeNote(projection.name, text);
  }
}

/** A loss is read a second time, later: only what was written since the first began. */
function afterReplay({ position }: Note, { becomes, begunMs, once }: PendingReplay, nowMs: number): Note {
  if (becomes === undefined) return { v: 1, ...(position === undefined ? {} : { position }) };
  if (once === true) return { v: 1, position: becomes };
  const fromMs = Math.max(0, (begunMs ?? nowMs) - SKEW_MS_MAX);
  return { v: 1, position: becomes, replay: { fromMs, notBeforeMs: nowMs + AGAIN_AFTER_MS } };
}
