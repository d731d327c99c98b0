import type { EventParser } from '../../shared/contract/event-schema.ts';
import type { Archive } from '../stores/history/archive.ts';
import { ArchiveFeed, FeedStopped } from './archive-feed.ts';
import { wait } from './backoff.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';
import type { Generations } from './generations.ts';
import { buriedBy, onceBuried, type LetterSource } from './letters.ts';
import { describe, type Log } from './log.ts';
import type { Projection } from './projection.ts';
import type { OpenedReadModel } from './read-model.ts';
import { parseClaim } from './position-note.ts';
import { REBUILD_SILENT_MS_MAX, REBUILD_SUFFIX, type RebuildLane } from './rebuild-lane.ts';
import { Runner, type RunnerBounds, type Source } from './runner.ts';
import { every, type Time } from './time.ts';

/**
 * A read model anew, from the archive and then the stream. Beside the one that serves, where it can keep two: its durable
 * first, at the lowest floor of all; then what the history buried, the archive, and the durable; and a swap at the same
 * sequence. Whatever goes wrong before the swap leaves nothing behind. Else in place: every event once more.
 */

const ALIVE_EVERY_MS = 30_000;
/** a rebuild that did not say for so long that it goes on is taken for dead: four times in a row it could not */
export const CLAIM_MS = 4 * ALIVE_EVERY_MS;
const LOOK_EVERY_MS = 500;
/** the one that serves is given no events for at most so long; then it goes on, and the swap is tried again */
const SWAP_MS_MAX = 30_000;
/** should we die within a swap, it is given events again by itself after this */
export const REBUILD_PAUSE_MS_MAX = 2 * SWAP_MS_MAX;
const SWAPS_MAX = 10;
/** so near to the end a swap is worth trying */
const NEAR_EVENTS = 1_000;
/** who was reading the old one, or writing to it, has ended by then */
export const OLD_KEPT_MS = 30_000;
/** letters of a read model that does not serve yet; more of them are no read model, and the rebuild gives up */
const LETTERS_MAX = 10_000;
/** a server that does not answer is waited for; longer, and the rebuild is given up */
const PATIENCE_MS_MAX = 60_000;
const HISTORY = 'history';

export type RebuildPhase = 'letters' | 'archive' | 'stream' | 'swap' | 'clear';

export interface RebuildProgress {
  phase: RebuildPhase;
  /** in 0…1, of the phase */
  done: number;
  /** given to the projection so far, in all phases */
  events: number;
}

/** It was not begun, or it was given up, and everything is as it was. The message says why. */
export class RebuildRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RebuildRefused';
  }
}

export interface RebuildPorts {
  name: string;
  /** absent: in place */
  generations?: Generations;
  /** what a rebuild in place gives the events to */
  openInPlace: () => Promise<Pick<OpenedReadModel, 'projection' | 'close'>>;
  archive: Archive;
  letters: LetterSource;
  deadLetters: DeadLetters;
  parse?: EventParser | undefined;
  lane: RebuildLane;
  source: (durable: string) => Source;
  bounds: RunnerBounds;
  workerId: string;
  log: Log;
  time: Time;
  /** once it is the only one of its read model, and before it changes anything; when that rejects, it ends. Absent: nobody asks. */
  begun?: () => Promise<void>;
  /** told often */
  report: (progress: RebuildProgress) => void;
  /** gives up, as far as nothing was swapped yet */
  signal: AbortSignal;
}

/** Resolves when it serves, with the number of events given. Rejects with RebuildRefused, FeedStopped (the signal), or a fault. */
export async function rebuild(ports: RebuildPorts): Promise<number> {
  const { generations, log, time } = ports;
  const claim = new RebuildClaim(ports);
  await claim.take();
  const failed = new AbortController();
  const cancel = every(
    ALIVE_EVERY_MS,
    () => {
      goesOn(ports, claim).catch((error: unknown) => {
        if (error instanceof RebuildRefused) failed.abort(error);
        else log('warn', 'a rebuild could not say that it goes on', { error: describe(error) });
      });
    },
    time,
  );
  try {
    await ports.begun?.();
    const own = { ...ports, signal: AbortSignal.any([ports.signal, failed.signal]) };
    return generations === undefined ? await inPlace(own) : await beside(own, generations, { failed, claim });
  } catch (error) {
    throw failed.signal.aborted ? stopReason(failed.signal) : error;
  } finally {
    cancel();
    await claim.giveBack();
  }
}

async function goesOn({ generations, lane, name, time }: RebuildPorts, claim: RebuildClaim): Promise<void> {
  await claim.renew();
  if (generations !== undefined) await lane.alive(`${name}${REBUILD_SUFFIX}`, time.now());
}

async function inPlace(ports: RebuildPorts): Promise<number> {
  const { name, deadLetters, letters } = ports;
  const opened = await ports.openInPlace();
  try {
    const feeding = new Feeding(ports, opened.projection, onceBuried(deadLetters, letters));
    // the history's own letters are for whoever redrives them
    return await feeding.run({ withLetters: name !== HISTORY });
  } finally {
    await opened.close();
  }
}

async function beside(
  ports: RebuildPorts,
  generations: Generations,
  { failed, claim }: { failed: AbortController; claim: RebuildClaim },
): Promise<number> {
  const { name, lane, time } = ports;
  const stream = await lane.stream();
  const { current, others } = await generations.list();
  // of a rebuild that died
  for (const n of others) await generations.drop(n);
  const n = Math.max(current, ...others) + 1;
  const durable = `${name}${REBUILD_SUFFIX}`;
  const held = new HeldLetters(failed);
  let target: Pick<OpenedReadModel, 'projection' | 'close'> | undefined;
  let runner: Runner | undefined;
  let isSwapped = false;
  try {
    target = await generations.make(n);
    await lane.open(durable, time.now());
    const events = await new Feeding(ports, target.projection, held).run({ withLetters: true });
    runner = runnerOf(ports, target.projection, durable, held);
    runner.start();
    await swap(ports, durable, events, async () => {
      // what a guard gives back after a loss it gives to the one that serves
      if ((await lane.stream()) !== stream) throw new RebuildRefused('the stream was lost or its server restarted: begin again');
      // before the swap: it would be the end of what nobody can read, should we die behind it or the letters not be taken
      await held.send(onceBuried(ports.deadLetters, ports.letters), ports);
      // whoever stood still for long may have been taken for dead, and another one is at it
      await claim.renew();
      await generations.swap(n);
      isSwapped = true;
    });
    await clear(ports, durable, events);
    return events;
  } finally {
    await runner?.stop();
    await tidy(ports, durable, async () => await lane.close(durable));
    await target?.close();
    await tidy(ports, `generation ${isSwapped ? current : n}`, async () => await generations.drop(isSwapped ? current : n));
  }
}

/** What cannot be removed now does no harm: others take it for dead after REBUILD_SILENT_MS_MAX, and the next rebuild removes it. */
async function tidy({ log, name }: RebuildPorts, what: string, remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    log('warn', 'a rebuild left something behind', { consumer: name, what, error: describe(error) });
  }
}

function runnerOf(ports: RebuildPorts, projection: Projection, durable: string, deadLetters: DeadLetters): Runner {
  const { bounds, log, parse, source, time } = ports;
  const ensure = async (): Promise<void> => await Promise.resolve();
  return new Runner({ projection, source: source(durable), deadLetters, ensure, parse, log, time }, bounds);
}

/**
 * The history's letters and then the archive: one that is redriven meanwhile moves from there to here, and would be in neither if
 * they were read the other way round. What is buried later the rebuild's durable has.
 */
class Feeding {
  readonly #ports: RebuildPorts;
  readonly #feed: ArchiveFeed;
  #events = 0;

  constructor(ports: RebuildPorts, projection: Projection, deadLetters: DeadLetters) {
    this.#ports = ports;
    const { log, parse, signal, time } = ports;
    this.#feed = new ArchiveFeed({ projection, deadLetters, parse, log, signal, time });
  }

  async run({ withLetters }: { withLetters: boolean }): Promise<number> {
    const { archive, letters, log, name, report } = this.#ports;
    if (withLetters) {
      for await (const letter of buriedBy(letters, HISTORY, 0)) {
        this.#stopIfAsked();
        this.#events += await this.#feed.takeMessage(letter);
      }
      await this.#feed.drain();
      report({ phase: 'letters', done: 1, events: this.#events });
    }
    for await (const page of archive.scanEvents()) {
      this.#stopIfAsked();
      this.#events += await this.#feed.take(page);
      report({ phase: 'archive', done: page.done, events: this.#events });
    }
    await this.#feed.drain();
    this.#stopIfAsked();
    const rows = this.#feed.unreadable;
    if (rows > 0) log('error', 'the rebuild is without what could not be read', { consumer: name, rows });
    return this.#events;
  }

  #stopIfAsked(): void {
    if (this.#ports.signal.aborted) throw stopReason(this.#ports.signal);
  }
}

/** Makes the new one current once it has all that the one that serves was ever given. */
async function swap(ports: RebuildPorts, durable: string, events: number, change: () => Promise<void>): Promise<void> {
  const { name, lane, report, time } = ports;
  let most = 1;
  for (let attempt = 1; attempt <= SWAPS_MAX; attempt += 1) {
    await until(ports, Infinity, async () => {
      const { left } = await lane.place(durable);
      most = Math.max(most, left);
      report({ phase: 'stream', done: 1 - left / most, events });
      return left <= NEAR_EVENTS;
    });
    // it ends by itself, should we not come to end it; and what is given meanwhile the new one gets too (see clear)
    await lane.pause(name, time.now() + REBUILD_PAUSE_MS_MAX);
    try {
      const { deliveredSeq } = await lane.place(name);
      if (await until(ports, SWAP_MS_MAX, async () => hasReached(await lane.place(durable), deliveredSeq))) {
        report({ phase: 'swap', done: 1, events });
        await change();
        return;
      }
    } finally {
      await tidy(ports, 'a pause', async () => await lane.resume(name));
    }
  }
  throw new RebuildRefused(`${name} did not come to where the one that serves is, ${SWAPS_MAX} times`);
}

/**
 * The new one serves. A worker may have begun a batch before, and writes it to the old one: so the rebuild's own durable goes on
 * until that is over, and until it has been where the read model's durable was then.
 */
async function clear(ports: RebuildPorts, durable: string, events: number): Promise<void> {
  const { name, lane, report, time } = ports;
  // whatever is asked of us now: it is done, and only has to be cleared up
  const patient = { ...ports, signal: new AbortController().signal };
  const beganMs = time.now();
  await until(patient, OLD_KEPT_MS, async () => {
    report({ phase: 'clear', done: Math.min(1, (time.now() - beganMs) / OLD_KEPT_MS), events });
    return await Promise.resolve(false);
  });
  let given: number | undefined;
  const hasAll = await until(patient, REBUILD_SILENT_MS_MAX, async () => {
    given ??= (await lane.place(name)).deliveredSeq;
    return hasReached(await lane.place(durable), given);
  });
  if (!hasAll) throw new Error(`${name} serves anew, but may lack what came in the moment of the swap: rebuild it again`);
}

function hasReached({ floorSeq, left }: { floorSeq: number; left: number }, seq: number): boolean {
  return floorSeq >= seq || left === 0;
}

/** Whether it came to hold in time. Rejects when the signal aborts first, or when it cannot be told for PATIENCE_MS_MAX. */
async function until({ signal, time }: RebuildPorts, msMax: number, holds: () => Promise<boolean>): Promise<boolean> {
  const deadlineMs = time.now() + msMax;
  let toldMs = time.now();
  for (;;) {
    if (signal.aborted) throw stopReason(signal);
    try {
      if (await holds()) return true;
      toldMs = time.now();
    } catch (error) {
      if (time.now() - toldMs > PATIENCE_MS_MAX) throw error;
    }
    if (time.now() >= deadlineMs) return false;
    await wait(LOOK_EVERY_MS, signal, time);
  }
}

function stopReason({ reason }: AbortSignal): Error {
  return reason instanceof RebuildRefused ? reason : new FeedStopped();
}

/** Letters of what does not serve yet: they are sent at the moment of the swap, and with a rebuild that is given up they are nobody's. */
class HeldLetters implements DeadLetters {
  readonly #held: DeadLetter[] = [];
  readonly #failed: AbortController;
  #then: DeadLetters | undefined;

  constructor(failed: AbortController) {
    this.#failed = failed;
  }

  async store(letter: DeadLetter): Promise<void> {
    if (this.#then !== undefined) return await this.#then.store(letter);
    this.#held.push(letter);
    if (this.#held.length > LETTERS_MAX) {
      this.#failed.abort(new RebuildRefused(`more than ${LETTERS_MAX} events cannot be taken, the last for ${letter.reason}`));
    }
  }

  /** Each that comes later goes by itself: a message that is not buried comes again. */
  async send(deadLetters: DeadLetters, ports: RebuildPorts): Promise<void> {
    this.#then = deadLetters;
    const patient = { ...ports, signal: new AbortController().signal };
    for (const letter of this.#held) {
      await until(patient, Infinity, async () => {
        await deadLetters.store(letter);
        return true;
      });
    }
  }
}

/** What a claim needs of them. */
export type ClaimPorts = Pick<RebuildPorts, 'name' | 'archive' | 'workerId' | 'log' | 'time' | 'signal'>;

/** One rebuild of a read model at a time: a note in the store, said again and again by whoever is at it. */
export class RebuildClaim {
  readonly #ports: ClaimPorts;

  constructor(ports: ClaimPorts) {
    this.#ports = ports;
  }

  async take(): Promise<void> {
    const { name, signal, time } = this.#ports;
    const holder = await this.#holder();
    if (holder !== undefined) throw new RebuildRefused(`${name} is being rebuilt already`);
    await this.#say(time.now() + CLAIM_MS);
    // of two who came at the same time one is there after that
    await wait(LOOK_EVERY_MS, signal, time);
    await this.#isMine();
  }

  async renew(): Promise<void> {
    await this.#isMine();
    await this.#say(this.#ports.time.now() + CLAIM_MS);
  }

  /** Never rejects: what is not given back ends by itself. */
  async giveBack(): Promise<void> {
    const { log, workerId } = this.#ports;
    try {
      if ((await this.#holder()) === workerId) await this.#say(0);
    } catch (error) {
      log('warn', 'the claim of a rebuild ends by itself', { error: describe(error) });
    }
  }

  async #isMine(): Promise<void> {
    const { name, workerId } = this.#ports;
    if ((await this.#holder()) !== workerId) throw new RebuildRefused(`another rebuild of ${name} took over`);
  }

  async #holder(): Promise<string | undefined> {
    const { archive, name, time } = this.#ports;
    const claim = parseClaim(await archive.readNote(`rebuild:${name}`));
    return claim !== undefined && claim.untilMs > time.now() ? claim.by : undefined;
  }

  async #say(untilMs: number): Promise<void> {
    const { archive, name, workerId } = this.#ports;
    await archive.writeNote(`rebuild:${name}`, JSON.stringify({ by: workerId, untilMs }));
  }
}
