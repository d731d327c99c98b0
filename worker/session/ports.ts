import type { Tracer } from '../../shared/telemetry/tracer.ts';
import type { InboxChange } from '../../shared/core/inbox.ts';
import type { ExecuteInput, Executed, Result } from './api.ts';
import type { PublishItem, PublishOutcome, RequestOutcome, SessionReport } from '../uplink/api.ts';
import type { Meter } from './meter.ts';

/** What a room needs of the platform. The shell gives the real ones, tests and the simulator their own. */

export type OutboxDepth = Pick<SessionReport, 'outboxEvents' | 'oldestAtMs'>;

export interface Publisher {
  /** `outbox`: how much waits, this included; absent for what is published once more */
  publish(items: PublishItem[], outbox?: OutboxDepth): Promise<PublishOutcome>;
  request(subject: string, payload: string): Promise<RequestOutcome>;
  /** a core message: it reaches whoever listens now; rejects when NATS did not take it in time */
  signal(subject: string, payload: string): Promise<void>;
}

/** One hibernatable socket. `save` survives hibernation; at most 16 KiB. */
export interface SocketPort {
  send(text: string): void;
  close(code: number, reason: string): void;
  save(attachment: unknown): void;
  load(): unknown;
  /** epoch ms of the last automatic pong, if any */
  lastPongMs(): number | undefined;
}

export interface RoomPorts {
  sql: SqlStorage;
  /** runs a synchronous section that is rolled back as a whole when it throws */
  transaction<T>(section: () => T): T;
  /** resolves when all that was written is durable */
  synced(): Promise<void>;
  /** resolves in a later turn of the event loop */
  nextTurn(): Promise<void>;
  /** resolves after `ms`; the object stays awake for it, so it is for less than a second */
  delay(ms: number): Promise<void>;
  setAlarm(atMs: number): void;
  /** hands a session.create to the Session that it names, or that it is to make */
  createElsewhere(input: ExecuteInput): Promise<Result<Executed>>;
  /** lets background work go on after the answer; its promise never rejects */
  background(work: Promise<void>): void;
  sockets(): SocketPort[];
  publisher: Publisher;
  /** resolves once the user's Inbox took it; rejects within a bound when it did not */
  tellInbox(userId: string, change: InboxChange): Promise<void>;
  /** absent: nothing is traced */
  tracer?: Tracer;
  nowMs(): number;
  random(): number;
  newId(): string;
  /** hex SHA-256, synchronous: commands of one socket stay in order */
  digest(text: string): string;
  /** absent: nobody measures */
  meter?: Meter;
  log(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
}
