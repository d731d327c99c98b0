import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { EventParser } from '../../shared/contract/event-schema.ts';
import type { Event } from '../../shared/core/types.ts';
import type { Tracer } from '../../shared/telemetry/tracer.ts';
import type { Settings } from '../settings.ts';
import type { AckLine } from './ack-line.ts';
import type { Settlements } from './batch.ts';
import type { ScannedRow } from '../stores/history/scan.ts';
import type { HistoryTable } from '../stores/history/tables.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Projection } from './projection.ts';
import type { OpenGenerations } from './generations.ts';
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
  /** absent: nothing is traced */
  tracer?: Tracer | undefined;
  /** timers and chance; `now` is its own */
  time: Time;
  /** absent: nobody measures */
  metrics?: Metrics;
  /** which versions of events are known; absent: those of this build */
  parse?: EventParser | undefined;
  /** the archive that a guard reads and notes in; absent: nobody guards. Rejects while the store cannot be reached. */
  openArchive?: () => Promise<Archive & { close(): Promise<void> }>;
  /** absent: JetStream's own, by `manager` */
  look?: StreamLook;
  /** of `connection`; absent: each acknowledgement that somebody waits for is confirmed by itself */
  line?: AckLine;
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

/** One session as an audit compares a read model with it. */
export interface AuditSubject {
  tenant: string;
  sessionId: string;
  head: number;
  /** deleted: all but the deletion is erased */
  isDeleted: boolean;
  /**
   * an event is known to be missing, or the archive has not taken it yet: what it wrote cannot be told from what nobody wrote,
   * and must not be mended
   */
  isIncomplete: boolean;
  /** the session's events as they should be archived, in order, erased ones erased; what is on its way or a dead letter of the history is left out */
  events(): AsyncIterable<readonly Event[]>;
  /** whether the event of this seq should be archived without its content */
  isErased(seq: number): Promise<boolean>;
  /** what the history's tables should hold of it, table by table, in the order of their keys */
  expectedRows(tables: readonly HistoryTable[]): AsyncIterable<readonly ScannedRow[]>;
  /** seqs that this read model has as dead letters */
  deadLetters: ReadonlySet<number>;
}

export interface ModelFinding {
  kind: 'missing' | 'different' | 'extra';
  place: string;
  detail: string;
  /** puts it right, where that is known; may be repeated, and `attempt` counts from 1 */
  mend?: (attempt: number) => Promise<void>;
}

/** A read model's own answer to: does it hold what it should? Reads only, unless a finding is mended. */
export interface ReadModelAudit {
  /** rejects when it cannot be looked at */
  look(subject: AuditSubject): AsyncIterable<ModelFinding>;
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
  /** streams on which it has a durable of its name besides that on the stream of events */
  alsoReads?: readonly string[];
  /**
   * How it is made anew beside the one that serves. Absent: a rebuild gives it every event once more in place, which repairs
   * what is missing and leaves what is there.
   */
  openGenerations?: OpenGenerations;
  /** How it is compared with what was accepted. Absent, or undefined for want of access: an audit says that it did not look. */
  openAudit?(platform: Platform): Promise<ReadModelAudit | undefined>;
  /** what a rebuild in place gives the events to; absent: the projection that `open` answers */
  openInPlace?(platform: Platform): Promise<Pick<OpenedReadModel, 'projection' | 'close'>>;
}
