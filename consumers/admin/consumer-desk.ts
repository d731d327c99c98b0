import type { JetStreamManager } from '@nats-io/jetstream';
import type { AdminRequestOf, AdminResult } from '../../shared/contract/admin.ts';
import { PAUSE_MS_MAX, type ConsumerState } from '../../shared/contract/system.ts';
import type { NamedConsumer } from '../durables.ts';
import type { ProcessReport } from '../pulse/report.ts';
import { within } from '../runtime/backoff.ts';
import { infoOf, lookAtDurable, type DurableLook } from '../runtime/durable-look.ts';
import { REBUILD_PAUSE_MS_MAX } from '../runtime/rebuild.ts';
import { every, type Time } from '../runtime/time.ts';
import type { AdminLog } from './admin-log.ts';
import { newestRebuilds } from './newest-rebuilds.ts';
import { AdminRefused } from './refused.ts';
import { SettledRates } from './settled-rates.ts';

/** What operators see of the consumers, and the pauses that they make. A pause is the server's own: it survives all of us. */

const DAY_MS = 24 * 3_600_000;
const LOOK_EVERY_MS = 5_000;
/** of one durable, in a list: one that does not answer is `unknown`, and holds up none of the others */
const LOOK_MS_MAX = 1_000;

export interface ConsumerDeskPorts {
  manager: JetStreamManager;
  consumers: readonly NamedConsumer[];
  /** what all processes of the consumers say; rejects when they cannot be asked */
  pulse(): Promise<ProcessReport[]>;
  log: AdminLog;
  time: Time;
}

export class ConsumerDesk {
  readonly #ports: ConsumerDeskPorts;
  readonly #rates = new SettledRates();

  constructor(ports: ConsumerDeskPorts) {
    this.#ports = ports;
  }

  /** Looks at the consumers from now on, so that there is a rate when somebody asks; what it answers ends that. */
  watch(): () => void {
    let looking: Promise<unknown> | undefined;
    const look = (): void => {
      // one at a time: a slow server gets fewer questions, not more
      looking ??= Promise.all(this.#ports.consumers.map(async (each) => await this.#look(each))).finally(() => {
        looking = undefined;
      });
    };
    look();
    return every(LOOK_EVERY_MS, look, this.#ports.time);
  }

  /** `asked`: what the processes say; undefined when they cannot be asked. */
  async list(asked: Promise<readonly ProcessReport[] | undefined>): Promise<ConsumerState[]> {
    return await Promise.all(this.#ports.consumers.map(async (consumer) => await this.#stateOf(consumer, asked)));
  }

  async answer(): Promise<AdminResult<'consumers.list'>> {
    return { items: await this.list(this.#ports.pulse().catch(() => undefined)) };
  }

  async pause(request: AdminRequestOf<'consumers.pause'>): Promise<AdminResult<'consumers.pause'>> {
    const { log, manager, time } = this.#ports;
    const consumer = this.named(request.name);
    const { name, stream, alsoOn, pauseMsMax = PAUSE_MS_MAX } = consumer;
    const before = await this.#there(consumer);
    const untilMs = request.untilMs ?? this.#longPauseOf(before) ?? time.now() + pauseMsMax;
    const isOver = untilMs <= time.now() || untilMs > time.now() + pauseMsMax;
    if (request.untilMs !== undefined && isOver) {
      throw new AdminRefused('invalid_request', `until must be within the next ${pauseMsMax / DAY_MS} days.`);
    }
    const pausedUntil = new Date(untilMs).toISOString();
    if (before.pausedUntilMs !== untilMs) {
      await log.write(request, { action: 'consumers.pause', target: name, details: { until: pausedUntil } });
    }
    // also when it is paused already: one that was interrupted has not come to all of them
    for (const each of [stream, ...alsoOn])
      await this.#ifThere(each, name, () => manager.consumers.pause(each, name, new Date(untilMs)));
    return { name, paused: true, pausedUntil };
  }

  async resume(request: AdminRequestOf<'consumers.resume'>): Promise<AdminResult<'consumers.resume'>> {
    const { log, manager } = this.#ports;
    const consumer = this.named(request.name);
    const { name, stream, alsoOn } = consumer;
    const before = await this.#there(consumer);
    if (before.pausedUntilMs !== undefined) {
      await log.write(request, { action: 'consumers.resume', target: name, details: {} });
    }
    for (const each of [stream, ...alsoOn]) await this.#ifThere(each, name, () => manager.consumers.resume(each, name));
    return { name, paused: false };
  }

  /** Refuses a name that nobody has. */
  named(name: string): NamedConsumer {
    const consumer = this.#ports.consumers.find((each) => each.name === name);
    if (consumer === undefined) throw new AdminRefused('not_found', 'There is no such consumer.');
    return consumer;
  }

  /** One that may be the moment's pause of a rebuild, and end with it, is none of an operator. */
  #longPauseOf({ pausedUntilMs }: DurableLook): number | undefined {
    const isLong = pausedUntilMs !== undefined && pausedUntilMs > this.#ports.time.now() + REBUILD_PAUSE_MS_MAX;
    return isLong ? pausedUntilMs : undefined;
  }

  async #there(consumer: NamedConsumer): Promise<DurableLook> {
    const look = await lookAtDurable(this.#ports.manager, consumer);
    if (look === undefined) {
      throw new AdminRefused('unavailable', `The durable ${consumer.name} does not exist: its workers make it when they start.`);
    }
    return look;
  }

  /** What its workers have not made yet, they make unpaused: that of the stream of events is what counts. */
  async #ifThere(stream: string, name: string, change: () => Promise<unknown>): Promise<void> {
    if ((await infoOf(this.#ports.manager, { stream, name })) !== undefined) await change();
  }

  async #stateOf(consumer: NamedConsumer, asked: Promise<readonly ProcessReport[] | undefined>): Promise<ConsumerState> {
    const { name } = consumer;
    const [look, reports] = await Promise.all([this.#look(consumer), asked]);
    const isWorker = ({ roles }: ProcessReport): boolean => roles.some((each) => each.role === name && each.state === 'running');
    const rebuild = newestRebuilds(reports ?? []).find((each) => each.name === name);
    return {
      name,
      ...(look === undefined ? { status: 'unknown' } : look === 'missing' ? { status: 'down' } : this.#figures(name, look)),
      ...(reports === undefined ? {} : { workers: reports.filter(isWorker).length }),
      ...(rebuild === undefined ? {} : { rebuild }),
    };
  }

  #figures(name: string, look: DurableLook): Omit<ConsumerState, 'name'> {
    const ratePerS = this.#rates.perSecond(name);
    const { pausedUntilMs, oldestAtMs, pending, ackPending, redelivered } = look;
    return {
      status: 'up',
      lag: pending,
      ackPending,
      redelivered,
      oldestAgeMs: oldestAtMs === undefined ? 0 : Math.max(0, this.#ports.time.now() - oldestAtMs),
      ...(ratePerS === undefined ? {} : { ratePerS: Math.round(ratePerS * 100) / 100 }),
      paused: pausedUntilMs !== undefined,
      ...(pausedUntilMs === undefined ? {} : { pausedUntil: new Date(pausedUntilMs).toISOString() }),
    };
  }

  /** Undefined: the server did not say. Never rejects. */
  async #look(consumer: NamedConsumer): Promise<DurableLook | 'missing' | undefined> {
    const { manager, time } = this.#ports;
    try {
      const look = await within(LOOK_MS_MAX, 'a look at a durable', lookAtDurable(manager, consumer), time);
      if (look !== undefined) this.#rates.note(consumer.name, look, time.now());
      return look ?? 'missing';
    } catch {
      return undefined;
    }
  }
}
