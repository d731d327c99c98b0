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
}

/** Looks after the stream of events, a turn at a time. Several at once do no harm: a purge up to what is settled can be repeated. */
export class StreamUpkeep {
  readonly #ports: UpkeepPorts;
  /** when each complaint was last made; as many as there are durables, and a few */
  readonly #complainedAtMs = new Map<string, number>();

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
    if (purgeBelow === undefined) return;
    const messages = await this.#ports.purge(purgeBelow);
    this.#ports.log('info', 'purged what every read model has acknowledged', { ...figures, purgeBelow, messages });
  }

  #complain(key: string, level: 'warn' | 'error', msg: string, fields: Parameters<Log>[2]): void {
    const nowMs = this.#ports.now();
    const lastMs = this.#complainedAtMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < COMPLAIN_EVERY_MS && nowMs >= lastMs) return;
    this.#complainedAtMs.set(key, nowMs);
    this.#ports.log(level, msg, fields);
  }
}
