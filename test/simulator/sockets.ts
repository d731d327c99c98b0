import type { SocketPort } from '../../worker/session/ports.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { World } from './world.ts';

/** how long until a client notices that its connection is gone */
const NOTICE_MS_MAX = 3_000;

/** The object that the socket belongs to. */
export interface EdgeEnd {
  gate(run: () => void): void;
  now(): number;
}

export interface SocketClient {
  machine: Machine;
  frame(text: string): void;
  closed(code: number): void;
}

/** One connection between a client and a Session: in order both ways, until it breaks; then what was on the way is lost. */
export class EdgeSocket implements SocketPort {
  readonly #world: World;
  readonly #network: Network;
  readonly #client: SocketClient;
  readonly #edge: EdgeEnd;
  #attachment: unknown;
  #open = true;
  #lastDownMs = 0;
  #lastUpMs = 0;

  constructor(world: World, network: Network, client: SocketClient, edge: EdgeEnd) {
    this.#world = world;
    this.#network = network;
    this.#client = client;
    this.#edge = edge;
  }

  send(text: string): void {
    if (!this.#open) throw new Error('the socket is closed');
    // the output gate: what it says must be durable first
    this.#edge.gate(() => this.#down(() => this.#client.frame(text)));
  }

  close(code: number): void {
    this.#edge.gate(() => this.#down(() => this.#end(code)));
  }

  save(attachment: unknown): void {
    this.#attachment = structuredClone(attachment);
  }

  load(): unknown {
    return this.#attachment;
  }

  /** the client pings, and the platform answers by itself */
  lastPongMs(): number | undefined {
    return this.#open ? this.#edge.now() : undefined;
  }

  /** From the client; `arrive` runs at the edge. */
  up(arrive: () => void): void {
    if (!this.#open || this.#network.isCut(this.#client.machine.node, 'edge')) return;
    this.#lastUpMs = Math.max(this.#lastUpMs, this.#world.nowMs + this.#network.latencyMs());
    this.#world.clock.after(this.#lastUpMs - this.#world.nowMs, () => {
      if (this.#open) arrive();
    });
  }

  /** The edge's end is gone: the client notices some time later. */
  dropped(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#world.clock.after(this.#world.between(1, NOTICE_MS_MAX), () => this.#client.closed(1006));
  }

  #down(arrive: () => void): void {
    if (!this.#open) return;
    // a stream of bytes has no holes: what cannot get through ends it
    if (this.#network.isCut('edge', this.#client.machine.node)) return this.dropped();
    this.#lastDownMs = Math.max(this.#lastDownMs, this.#world.nowMs + this.#network.latencyMs());
    this.#world.clock.after(this.#lastDownMs - this.#world.nowMs, () => {
      if (this.#open) arrive();
    });
  }

  #end(code: number): void {
    this.#open = false;
    this.#client.closed(code);
  }
}
