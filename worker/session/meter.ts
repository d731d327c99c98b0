import {
  acceptBucket,
  acceptCount,
  acceptSumMs,
  commandCount,
  resumeCount,
  SOCKETS_OPENED,
  Tally,
  type Counts,
  type Door,
  type Outcome,
  type Resume,
} from '../metrics/counts.ts';
import type { Env } from '../env.ts';
import type { ExecuteInput, Executed, Result } from './api.ts';
import type { RoomPorts } from './ports.ts';
import type { Room } from './room.ts';
import { execute } from './traced.ts';

/** What a room tells of its work to whoever measures. No call may throw or wait. */
export interface Meter {
  /** `arrivedAtMs`: when the command reached the object */
  executed(input: ExecuteInput, result: Result<Executed>, arrivedAtMs: number): void;
  /** a command that was none */
  refused(door: Door): void;
  resumed(outcome: Resume): void;
  socketOpened(): void;
}

/** Executes a command, and tells whoever measures. */
export function metered(room: Room, input: ExecuteInput, arrivedAtMs: number): Result<Executed> {
  const result = execute(room, input);
  room.ports.meter?.executed(input, result, arrivedAtMs);
  return result;
}

/** accepted commands whose commit is waited for; at it the next ones are not timed, but counted all the same */
const TIMED_COMMANDS_MAX = 1_000;

type MeterPorts = Pick<RoomPorts, 'synced' | 'background' | 'nowMs'>;

/**
 * The meter of a Session: counters in memory, which leave with the publishes that there are anyway. It writes no row, sets no timer
 * and wakes nobody.
 */
export class SessionMeter implements Meter {
  readonly #ports: MeterPorts;
  readonly #tally = new Tally();
  #timed: { door: Door; arrivedAtMs: number }[] = [];
  #timing = false;

  constructor(ports: MeterPorts) {
    this.#ports = ports;
  }

  executed({ door = 'http', aside }: ExecuteInput, result: Result<Executed>, arrivedAtMs: number): void {
    if (aside !== undefined) this.#tally.merge(aside);
    const outcome = outcomeOf(result);
    this.#tally.add(commandCount(door, outcome));
    if (outcome !== 'accepted' || this.#timed.length >= TIMED_COMMANDS_MAX) return;
    this.#timed.push({ door, arrivedAtMs });
    if (this.#timing) return;
    this.#timing = true;
    this.#ports.background(this.#time());
  }

  refused(door: Door): void {
    this.#tally.add(commandCount(door, 'refused'));
  }

  resumed(outcome: Resume): void {
    this.#tally.add(resumeCount(outcome));
  }

  socketOpened(): void {
    this.#tally.add(SOCKETS_OPENED);
  }

  take(): Counts | undefined {
    return this.#tally.take();
  }

  /** Until each commit is durable: that is when its answer leaves. Those of one turn are one commit. Never rejects. */
  async #time(): Promise<void> {
    try {
      while (this.#timed.length > 0) {
        const timed = this.#timed;
        this.#timed = [];
        await this.#ports.synced();
        const nowMs = this.#ports.nowMs();
        for (const { door, arrivedAtMs } of timed) this.#took(door, Math.max(0, nowMs - arrivedAtMs));
      }
    } catch {
      // the storage failed: nothing was accepted, and the platform resets the object
      this.#timed = [];
    } finally {
      this.#timing = false;
    }
  }

  #took(door: Door, ms: number): void {
    this.#tally.add(acceptCount(door, acceptBucket(ms)));
    if (ms > 0) this.#tally.add(acceptSumMs(door), ms);
  }
}

/** None where nobody wants figures of commands: EDGE_METRICS is off. */
export function meterOf(env: Pick<Env, 'EDGE_METRICS'>, ports: MeterPorts): SessionMeter | undefined {
  return env.EDGE_METRICS === 'off' ? undefined : new SessionMeter(ports);
}

function outcomeOf(result: Result<Executed>): Outcome {
  if (!result.ok) return 'refused';
  if (result.value.replayed) return 'duplicate';
  return result.value.accepted.unchanged === true ? 'unchanged' : 'accepted';
}
