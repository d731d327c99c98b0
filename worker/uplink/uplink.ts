import { DurableObject } from 'cloudflare:workers';
import type { Tracer } from '../../shared/telemetry/tracer.ts';
import type { Env } from '../env.ts';
import { tracerOf } from '../telemetry/tracing.ts';
import type { PublishItem, PublishOutcome, RequestOutcome, UplinkApi } from './api.ts';
import { NatsLink } from './nats-link.ts';
import { publishTraced } from './publish-spans.ts';

/** A shared connection to NATS (design decision 4): Sessions hold none, so that they may hibernate. */
export class Uplink extends DurableObject<Env> implements UplinkApi {
  readonly #link: NatsLink;
  readonly #tracer: Tracer;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#tracer = tracerOf(env, (work) => state.waitUntil(work));
    this.#link = new NatsLink({
      servers: env.NATS_WS_URL.split(',').map((each) => each.trim()),
      ...(env.NATS_CREDS === undefined ? {} : { creds: env.NATS_CREDS }),
      name: `uplink ${state.id.name ?? state.id.toString()}`,
    });
  }

  async publish(items: PublishItem[]): Promise<PublishOutcome> {
    return publishTraced(this.#tracer, items, () => this.#link.publish(items));
  }

  async request(subject: string, payload: string): Promise<RequestOutcome> {
    return this.#link.request(subject, payload);
  }

  async signal(subject: string, payload: string): Promise<void> {
    await this.#link.signal(subject, payload);
  }

  async health(): Promise<boolean> {
    return this.#link.health();
  }
}
