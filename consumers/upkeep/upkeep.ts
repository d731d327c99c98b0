import { PURGE_FLOOR_AGE_MS } from '../runtime/guard-loop.ts';
import { describe, type Log } from '../runtime/log.ts';
import { planUpkeep, type StreamSeen } from './plan.ts';

/** the same complaint is made at most once in this time */
const COMPLAIN_EVERY_MS = 60_000;

export interface UpkeepPorts {
  /** Rejects when the stream or a durable cannot be seen. */
  look(): Promise<StreamSeen>;
  /** Resolves with the number of messages that went. */
  purge(belowSeq: number): Promise<number>;
  log: Log;
  now(): number;
  /** what is purged was settled this long ago; absent: PURGE_FLOOR_AGE_MS */
  floorAgeMs?: number;
}

/** Looks after the stream of events, a turn at a time. Several at once do no harm: a purge up to what is settled can be repeated. */
export class StreamUpkeep {
  readonly #ports: UpkeepPorts;
  /** when each complaint was last made; as many as there are durables, and a few */
  readonly #complainedAtMs = new Map<string, number>();
  /** what could have been purged at the last turns, oldest first: as many as floorAgeMs has turns, and one */
  #settled: { belowSeq: number; atMs: number }[] = [];

  constructor(ports: UpkeepPorts) {
    this.#ports = ports;
  }

  /** Never rejects: what cannot be seen or done now has its turn again. */
  async turn(): Promise<void> {
    try {
      await this.#turn();
      this.#complainedAtMs.delete('look');
    } catch (error) {
      this.#complain('look', 'warn', 'cannot look after the stream', { error: describe(error) });
    }
  }

  async #turn(): Promise<void> {
    const seen = await this.#ports.look();
    const { purgeBelow, heldBack, alertShare, lagging } = planUpkeep(seen);
    const figures = { bytes: seen.bytes, maxBytes: seen.maxBytes, firstSeq: seen.firstSeq };
    for (const { name, lagMs } of lagging) {
      this.#complain(`lag ${name}`, 'warn', 'a durable is days behind', {
        durable: name,
        lagHours: Math.floor(lagMs / 3_600_000),
      });
    }
    if (alertShare !== undefined) {
      const settled = [...seen.durables].map(([name, durable]) => `${name} ${durable?.settledTo ?? 'missing'}`);
      this.#complain('alert', 'error', 'the stream of events is nearly full', {
        ...figures,
        percent: Math.round(alertShare * 100),
        settled,
      });
    }
    if (heldBack !== undefined)
      this.#complain('held back', 'warn', 'the stream fills and cannot be purged', { ...figures, heldBack });
    const belowSeq = this.#notedBelow(purgeBelow);
    if (belowSeq === undefined || belowSeq <= seen.firstSeq) return;
    const messages = await this.#ports.purge(belowSeq);
    this.#ports.log('info', 'purged what every read model has acknowledged', { ...figures, purgeBelow: belowSeq, messages });
  }

  /** What was settled so long ago that every guard has noted it: less would look to it like a stranger's purge. */
  #notedBelow(purgeBelow: number | undefined): number | undefined {
    const { now, floorAgeMs = PURGE_FLOOR_AGE_MS } = this.#ports;
    const nowMs = now();
    if (purgeBelow === undefined) {
      this.#settled = [];
      return undefined;
    }
    this.#settled.push({ belowSeq: purgeBelow, atMs: nowMs });
    const known = this.#settled.findLastIndex(({ atMs }) => nowMs - atMs >= floorAgeMs);
    if (known === -1) return undefined;
    this.#settled = this.#settled.slice(known);
    // less is settled when the stream was made anew meanwhile, or a durable
    return Math.min(purgeBelow, this.#settled[0]?.belowSeq ?? 0);
  }

  #complain(key: string, level: 'warn' | 'error', msg: string, fields: Parameters<Log>[2]): void {
    const nowMs = this.#ports.now();
    const lastMs = this.#complainedAtMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < COMPLAIN_EVERY_MS && nowMs >= lastMs) return;
    this.#complainedAtMs.set(key, nowMs);
    this.#ports.log(level, msg, fields);
  }
}
