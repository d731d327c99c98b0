import { DurableObject } from 'cloudflare:workers';
import type { Tracer } from '../../shared/telemetry/tracer.ts';
import type { Env } from '../env.ts';
import { tracerOf } from '../telemetry/tracing.ts';
import type { PublishItem, PublishOutcome, RequestOutcome, SessionReport, UplinkApi, UplinkFigures } from './api.ts';
import { UplinkMeter } from './meter.ts';
import { NatsLink } from './nats-link.ts';
import { publishTraced, requestTraced } from './uplink-spans.ts';

/** A shared connection to NATS (design decision 4): Sessions hold none, so that they may hibernate. */
export class Uplink extends DurableObject<Env> implements UplinkApi {
  readonly #link: NatsLink;
  readonly #tracer: Tracer;
  readonly #meter = new UplinkMeter(Date.now());

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#tracer = tracerOf(env, (work) => state.waitUntil(work));
    this.#link = new NatsLink({
      servers: env.NATS_WS_URL.split(',').map((each) => each.trim()),
      ...(env.NATS_CREDS === undefined ? {} : { creds: env.NATS_CREDS }),
      name: `uplink ${state.id.name ?? state.id.toString()}`,
    });
  }

  async publish(items: PublishItem[], report?: SessionReport): Promise<PublishOutcome> {
    this.#meter.begun(report, Date.now());
    const outcome = await publishTraced(this.#tracer, items, () => this.#link.publish(items));
    this.#meter.ended(report, items.length, outcome, Date.now());
    return outcome;
  }

  async request(subject: string, payload: string, traceparent?: string): Promise<RequestOutcome> {
    return requestTraced(this.#tracer, subject, traceparent, (carried) => this.#link.request(subject, payload, carried));
  }

  async signal(subject: string, payload: string): Promise<void> {
    await this.#link.signal(subject, payload);
  }

  async health(): Promise<boolean> {
    return this.#link.health();
  }

  async figures(): Promise<UplinkFigures> {
    return this.#meter.figures(Date.now());
  }
}
