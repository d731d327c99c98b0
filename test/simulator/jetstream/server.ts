import type { MsgHdrs } from '@nats-io/transport-node';
import type { Machine } from '../machine.ts';
import type { World } from '../world.ts';
import { SimulatedConsumer, type ConsumerSettings } from './consumer.ts';
import { SimulatedStream, type StoredMessage, type StreamSettings } from './stream.ts';

/** `sync_interval` of the server: what came since the last one is lost with it */
const SYNC_EVERY_MS_MIN = 1_000;
const SYNC_EVERY_MS_MAX = 120_000;
const STEP_BACK_MAX = 50;

/** Somebody who answers requests on a subject. */
export interface Responder {
  subject: string;
  machine: Machine;
  take(data: Uint8Array, respond: (answer: string) => void): void;
}

export interface PublishRequest {
  subject: string;
  data: Uint8Array;
  headers?: MsgHdrs;
  msgId?: string;
}

/** Nobody listens on the subject. */
export class NoResponders extends Error {}

export class NatsDown extends Error {
  constructor() {
    super('connection refused');
    this.name = 'NatsDown';
  }
}

/** One NATS server with JetStream. Clients reach it through the network alone. */
export class NatsServer {
  readonly streams = new Map<string, SimulatedStream>();
  readonly responders = new Set<Responder>();
  readonly world: World;
  up = true;
  /** every start of a server has another */
  startId: string;
  /** refuses what does not fit */
  full = false;
  /** told of every message that a stream stored, for the checker */
  onStored: (stream: string, request: PublishRequest) => void = () => {};
  /** told of every message that a stream acknowledged and holds no more */
  onForgotten: (stream: string, request: PublishRequest) => void = () => {};
  /** told of every message that somebody removed */
  onRemoved: (stream: string, message: StoredMessage) => void = () => {};
  /** told when connections are cut */
  readonly onDown = new Set<() => void>();
  readonly #skewMs: number;

  constructor(world: World, skewMs: number) {
    this.world = world;
    this.#skewMs = skewMs;
    this.startId = `server-${world.newId()}`;
    this.#syncRegularly(world.between(SYNC_EVERY_MS_MIN, SYNC_EVERY_MS_MAX));
  }

  now(): number {
    return this.world.nowMs + this.#skewMs;
  }

  demandUp(): void {
    if (!this.up) throw new NatsDown();
  }

  addStream(settings: StreamSettings, config: object): SimulatedStream {
    const stream = new SimulatedStream(this.world, settings, config, this.now());
    this.streams.set(settings.name, stream);
    this.world.note('nats', `stream ${settings.name} is made`);
    return stream;
  }

  addConsumer(stream: SimulatedStream, settings: ConsumerSettings, config: object): SimulatedConsumer {
    const consumer = new SimulatedConsumer(this.world, stream, settings, config, this.now());
    stream.consumers.set(settings.name, consumer);
    this.world.note('nats', `consumer ${settings.name} is made, from ${settings.startSeq}`);
    return consumer;
  }

  /** Undefined: no stream takes the subject. Throws StreamFull, or NatsDown. */
  publish(request: PublishRequest): { stream: string; seq: number; duplicate: boolean } | undefined {
    this.demandUp();
    for (const stream of this.streams.values()) {
      if (!stream.takes(request.subject)) continue;
      const { subject, data, headers, msgId } = request;
      const stored = stream.store({ subject, data, headers, msgId }, this.now(), { full: this.full });
      if (!stored.duplicate) this.onStored(stream.settings.name, request);
      return { stream: stream.settings.name, ...stored };
    }
    return undefined;
  }

  /** Request and reply: one of those who listen on the subject answers. Throws NoResponders, or NatsDown; never answers while cut off. */
  async request(subject: string, data: Uint8Array, isCutOff: (node: string) => boolean): Promise<string> {
    this.demandUp();
    const responder = this.world.pick([...this.responders].filter((each) => each.subject === subject && each.machine.alive));
    if (responder === undefined) throw new NoResponders('503 no responders');
    return await new Promise((resolve) => {
      if (!isCutOff(responder.machine.node)) responder.take(data, resolve);
    });
  }

  /** False: there was no such message. */
  remove(name: string, seq: number): boolean {
    const stream = this.streams.get(name);
    const message = stream?.messages.get(seq);
    if (stream === undefined || message === undefined) return false;
    stream.remove(seq);
    this.onRemoved(name, message);
    return true;
  }

  /** The process dies and comes back; without `forgets` it had written all that it acknowledged. */
  restart(downMs: number, forgets: boolean): void {
    this.up = false;
    this.world.note('nats', `dies for ${downMs} ms${forgets ? ', and forgets what it had not written' : ''}`);
    for (const stream of this.streams.values()) {
      for (const consumer of stream.consumers.values()) consumer.dropPulls();
      if (!forgets) continue;
      const lost = stream.forgetUnsynced();
      this.#tellForgotten(stream, lost);
      if (lost.length > 0) this.world.note('nats', `${stream.settings.name} lost ${lost.length} acknowledged messages`);
      // a consumer's state has a file of its own, which may be older than the stream, or newer
      for (const consumer of stream.consumers.values()) {
        if (this.world.chance(0.5)) consumer.stepBack(this.world.between(0, STEP_BACK_MAX));
      }
    }
    for (const cut of this.onDown) cut();
    this.world.clock.after(downMs, () => {
      for (const stream of this.streams.values()) stream.restart();
      this.up = true;
      this.startId = `server-${this.world.newId()}`;
      this.world.note('nats', 'is back');
    });
  }

  deleteStream(name: string): void {
    const stream = this.streams.get(name);
    if (stream === undefined) return;
    for (const consumer of stream.consumers.values()) consumer.dropPulls();
    this.streams.delete(name);
    this.#tellForgotten(stream, [...stream.messages.values()]);
    this.world.note('nats', `stream ${name} is deleted`);
  }

  #tellForgotten(stream: SimulatedStream, messages: readonly StoredMessage[]): void {
    for (const { subject, data, headers, msgId } of messages) {
      const more = { ...(headers === undefined ? {} : { headers }), ...(msgId === undefined ? {} : { msgId }) };
      this.onForgotten(stream.settings.name, { subject, data, ...more });
    }
  }

  #syncRegularly(everyMs: number): void {
    this.world.clock.after(everyMs, () => {
      for (const stream of this.streams.values()) stream.syncedSeq = stream.lastSeq;
      this.#syncRegularly(everyMs);
    });
  }
}
