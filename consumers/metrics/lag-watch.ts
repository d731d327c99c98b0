import { describe, type Log } from '../runtime/log.ts';
import type { LagSeen } from './lag.ts';

/** what was seen longer ago than this is no longer shown: old figures must not pass for new ones */
export const LAG_SHOWN_MS_MAX = 90_000;

export interface LagWatchPorts {
  /** Rejects when it cannot be seen. */
  look(): Promise<LagSeen>;
  log: Log;
}

/** Keeps what was last seen of streams and durables, a turn at a time. */
export class LagWatch {
  readonly #ports: LagWatchPorts;
  #seen: LagSeen | undefined;
  #failures = 0;
  #turn: Promise<void> | undefined;

  constructor(ports: LagWatchPorts) {
    this.#ports = ports;
  }

  /** undefined: nothing is known, or nothing that is new enough */
  seen(nowMs: number): LagSeen | undefined {
    return this.#seen !== undefined && nowMs - this.#seen.atMs <= LAG_SHOWN_MS_MAX ? this.#seen : undefined;
  }

  /** epoch ms of the last look that saw something */
  get seenAtMs(): number | undefined {
    return this.#seen?.atMs;
  }

  /** One look at a time: a slow server gets fewer questions, not more. Never rejects. */
  async turn(): Promise<void> {
    this.#turn ??= this.#look().finally(() => {
      this.#turn = undefined;
    });
    await this.#turn;
  }

  async #look(): Promise<void> {
    const { look, log } = this.#ports;
    try {
      this.#seen = await look();
      if (this.#failures > 0) log('info', 'lag is seen again');
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) log('warn', 'lag cannot be seen', { error: describe(error) });
    }
  }
}
