import { UPLINK_CALL_MS_MAX } from '../../shared/core/limits.ts';
import type { Publisher } from '../../worker/session/ports.ts';
import type { PublishItem, PublishOutcome, RequestOutcome } from '../../worker/uplink/api.ts';
import type { FaultKind } from './faults.ts';
import type { NatsServer } from './jetstream/server.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';

/** an Uplink that is gone: the Session's own bound */
const CALL_MS_MAX = UPLINK_CALL_MS_MAX * 2;

interface Stored {
  seq: number;
  duplicate: boolean;
}

/** What a Session has of NATS: an Uplink's outcomes (worker/uplink/api.ts), on the simulated network and server. */
export class SimulatedUplink implements Publisher {
  readonly #machine: Machine;
  readonly #network: Network;
  readonly #server: NatsServer;
  /** what the caller may die of while it waits; the Worker has no memory to lose */
  readonly #crash: { crash?: FaultKind };

  constructor(machine: Machine, network: Network, server: NatsServer, crash: { crash?: FaultKind }) {
    this.#machine = machine;
    this.#network = network;
    this.#server = server;
    this.#crash = crash;
  }

  /** Pipelined in order over one connection, which may break in between; every item has an ack of its own, which may be lost. */
  async publish(items: PublishItem[]): Promise<PublishOutcome> {
    const { world } = this.#machine;
    const call = {
      from: this.#machine,
      to: 'nats',
      what: `publish of ${items.length}`,
      timeoutMs: CALL_MS_MAX,
      repeated: 'publish-repeated',
      ...this.#crash,
    } as const;
    return await this.#network.call(call, async () => {
      const broken = world.faults.strikes('publish-lost') ? world.between(0, items.length - 1) : items.length;
      const acks = items.slice(0, broken).map((item) => this.#store(item));
      const refused = acks.findIndex((ack) => typeof ack === 'string');
      const silent = acks.findIndex(() => world.faults.strikes('puback-lost'));
      const reached = Math.min(...[refused, silent].filter((at) => at >= 0), broken);
      if (reached === items.length) return this.#said(acks, items.length);
      // a refusal is answered at once, silence only when the bound is over
      const refusal = acks[reached];
      const error = typeof refusal === 'string' ? refusal : 'NATS did not answer in time';
      if (reached !== refused) await this.#pause(UPLINK_CALL_MS_MAX);
      return { ...this.#said(acks, reached), error };
    });
  }

  async request(subject: string, payload: string): Promise<RequestOutcome> {
    const call = {
      from: this.#machine,
      to: 'nats',
      what: `request to ${subject}`,
      timeoutMs: UPLINK_CALL_MS_MAX,
      lost: 'query-lost',
      ...this.#crash,
    } as const;
    try {
      return await this.#network.call(call, async () => await this.#ask(subject, payload));
    } catch (error) {
      return { ok: false, error: String(error) };
    }
  }

  async signal(): Promise<void> {
    await Promise.resolve();
  }

  /** What an Uplink makes of the acks before the first that is missing (nats-link.ts); an older build says less. */
  #said(acks: readonly (Stored | string)[], acked: number): PublishOutcome {
    const { faults } = this.#machine.world;
    if (acked === 0 || faults.strikes('older-uplink')) return { acked };
    const leading = acks.slice(0, acked).filter((ack) => typeof ack !== 'string');
    const duplicates = leading.flatMap(({ duplicate }, at) => (duplicate ? [at] : []));
    const streamSeq = Math.min(...leading.map(({ seq }) => seq));
    return { acked, streamSeq, ...(duplicates.length === 0 ? {} : { duplicates }) };
  }

  /** Or why the server did not take it. */
  #store({ subject, id, payload }: PublishItem): Stored | string {
    try {
      const stored = this.#server.publish({ subject, data: new TextEncoder().encode(payload), msgId: id });
      return stored ?? '503';
    } catch (error) {
      return String(error);
    }
  }

  async #ask(subject: string, payload: string): Promise<RequestOutcome> {
    const isCutOff = (node: string): boolean => this.#network.isCut('nats', node);
    return { ok: true, payload: await this.#server.request(subject, new TextEncoder().encode(payload), isCutOff) };
  }

  /** The wait is the Uplink's, not the Session's. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => void this.#machine.world.clock.after(ms, resolve));
  }
}
