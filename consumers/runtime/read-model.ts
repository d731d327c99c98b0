import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Event } from '../../shared/core/types.ts';
import type { Settings } from '../settings.ts';
import type { Settlements } from './batch.ts';
import type { Log } from './log.ts';
import type { Projection } from './projection.ts';
import type { OpenGenerations } from './rebuild.ts';
import type { Archive } from '../stores/history/archive.ts';
import type { Refill } from './guard-loop.ts';
import type { SignedPost } from './signed-post.ts';
import type { StreamLook } from './stream-look.ts';
import type { Time } from './time.ts';

/** What a read model may use of the process that it runs in. */
export interface Platform {
  connection: NatsConnection;
  client: JetStreamClient;
  manager: JetStreamManager;
  settings: Settings;
  /** a signed call to the edge */
  post: SignedPost;
  log: Log;
  /** epoch milliseconds */
  now: () => number;
  /** timers and chance; `now` is its own */
  time: Time;
  /** the archive that a guard reads and notes in; absent: nobody guards. Rejects while the store cannot be reached. */
  openArchive?: () => Promise<Archive & { close(): Promise<void> }>;
  /** absent: JetStream's own, by `manager` */
  look?: StreamLook;
}

/** A read model that has its store open. */
export interface OpenedReadModel {
  projection: Projection;
  /** told what became final; absent: nobody is */
  settlements?: Settlements;
  /** Tells whoever waits for it that the event of a dead letter was taken after all. Rejects when they were not told. Absent: nobody waits. */
  redriven?(event: Event, publishedAtMs: number): Promise<void>;
  /** called once events are taken; must not throw */
  started?(): void;
  /** called after the last event is settled. Never rejects. */
  close(): Promise<void>;
}

/**
 * A read model as the registry (read-models.ts) lists it: a role of `--roles`, a durable consumer, a store. The runtime makes
 * streams and durable, pulls, retries, buries and drains.
 */
export interface ReadModel {
  /** the role, the durable consumer, and the last token of its dead letters' subject; equal to `projection.name` */
  name: string;
  /** Opens the store. Rejects while it cannot be reached: the process tries again until it can. */
  open(platform: Platform): Promise<OpenedReadModel>;
  /** what it is given of what the stream lost; absent: `all` */
  refill?: Refill;
  /**
   * How it is made anew beside the one that serves. Absent: a rebuild gives it every event once more in place, which repairs
   * what is missing and leaves what is there.
   */
  openGenerations?: OpenGenerations;
}
