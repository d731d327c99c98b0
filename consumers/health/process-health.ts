import type { NatsConnection } from '@nats-io/transport-node';
import type { RoleBook } from '../pulse/role-book.ts';
import { within } from '../runtime/backoff.ts';
import type { EndpointAnswer, EndpointRoute } from '../runtime/endpoint.ts';

/** Whether one process is alive, and which of its own parts are ready: for who supervises it. */

/** a server that says nothing for so long is away */
const NATS_MS_MAX = 1_000;

type Status = 'ok' | 'unavailable';

export class ProcessHealth {
  #connection: NatsConnection | undefined;
  #book: RoleBook | undefined;
  #isDraining = false;

  connected(connection: NatsConnection, book: RoleBook): void {
    this.#connection = connection;
    this.#book = book;
  }

  /** Alive, and not to be given anything more. */
  draining(): void {
    this.#isDraining = true;
  }

  routes(): [path: string, route: EndpointRoute][] {
    return [
      ['/healthz', () => answerOf(200, { status: 'ok' })],
      ['/readyz', async () => await this.#ready()],
    ];
  }

  async #ready(): Promise<EndpointAnswer> {
    const parts: Record<string, { status: Status }> = {
      process: said(!this.#isDraining),
      nats: said(await this.#reachesNats()),
    };
    for (const { role, state, store } of this.#book?.report().roles ?? []) {
      parts[`role:${role}`] = said(state === 'running');
      if (store !== undefined) parts[`store:${role}`] = said(store.isUp);
    }
    const isReady = Object.values(parts).every(({ status }) => status === 'ok');
    return answerOf(isReady ? 200 : 503, { ...said(isReady), parts });
  }

  async #reachesNats(): Promise<boolean> {
    if (this.#connection === undefined) return false;
    try {
      await within(NATS_MS_MAX, 'a round trip to NATS', this.#connection.flush());
      return true;
    } catch {
      return false;
    }
  }
}

function said(isOk: boolean): { status: Status } {
  return { status: isOk ? 'ok' : 'unavailable' };
}

function answerOf(status: number, body: object): EndpointAnswer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}
