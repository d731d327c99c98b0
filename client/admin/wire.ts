/** What `/v1/admin` answers (contract §8), as plain types; a test compares them with the document of the server. Times are RFC 3339. */

export interface AdminPage<T> {
  items: T[];
  nextCursor?: string;
}

export type PartStatus = 'up' | 'down' | 'unknown';

export interface NamedPart {
  name: string;
  status: PartStatus;
}

export interface RebuildProgress {
  name: string;
  status: 'running' | 'completed' | 'failed' | 'cancelled';
  phase: 'starting' | 'letters' | 'archive' | 'stream' | 'swap' | 'clear';
  /** 0 to 1, of the phase */
  done: number;
  events: number;
  startedAt: string;
  endedAt?: string;
  detail?: string;
}

export interface ConsumerState extends NamedPart {
  lag?: number;
  ackPending?: number;
  redelivered?: number;
  oldestAgeMs?: number;
  ratePerS?: number;
  paused?: boolean;
  pausedUntil?: string;
  workers?: number;
  rebuild?: RebuildProgress;
}

export interface PauseState {
  name: string;
  paused: boolean;
  pausedUntil?: string;
}

export interface StreamState extends NamedPart {
  messages?: number;
  bytes?: number;
  bytesMax?: number;
}

export interface StoreState extends NamedPart {
  since?: string;
}

export interface RoleState extends NamedPart {
  workers: number;
  starting: number;
}

/** With `unknown` nobody answered for it, and its items say nothing. */
export interface Section<T> {
  status: 'ok' | 'unknown';
  items: T[];
}

export interface Overview {
  at: string;
  status: 'ok' | 'degraded';
  edge: { status: PartStatus };
  uplinks: NamedPart[];
  streams: Section<StreamState>;
  consumers: Section<ConsumerState>;
  stores: Section<StoreState>;
  roles: Section<RoleState>;
  deadLetters: Section<{ consumer: string; count: number }>;
  rebuilds: Section<RebuildProgress>;
}

export interface DeadLetter {
  id: string;
  consumer: string;
  reason: string;
  error: string;
  attempts: number;
  subject: string;
  streamSeq: number;
  firstFailedAt: string;
  at: string;
  tenant?: string;
  sessionId?: string;
  seq?: number;
  eventId?: string;
  commandId?: string;
  correlationId?: string;
  bytes: number;
}

export interface DeadLetterDetail extends DeadLetter {
  headers: { name: string; value: string }[];
  headersCut?: true;
  payload: { encoding: 'text' | 'base64'; data: string; cut?: true };
}

export type RedrivenAs = 'event' | 'erased' | 'command';

export interface Redriven {
  id: string;
  consumer: string;
  outcome: 'redriven';
  as: RedrivenAs;
}

export interface Discarded {
  id: string;
  consumer: string;
  outcome: 'discarded';
}

export interface RedriveItem {
  id: string;
  consumer?: string;
  reason?: string;
  outcome: 'redriven' | 'wouldRedrive' | 'failed' | 'gone';
  as?: RedrivenAs;
  code?: string;
  detail?: string;
}

export interface RedriveChoice {
  ids?: string[];
  consumer?: string;
  reason?: string;
  dryRun?: boolean;
  limit?: number;
  cursor?: string;
}

export interface RedriveReport {
  dryRun: boolean;
  matched: number;
  redriven: number;
  failed: number;
  items: RedriveItem[];
  nextCursor?: string;
}

export interface AdminLogLine {
  at: string;
  tenant: string;
  actor: string;
  action: string;
  target: string;
  correlationId: string;
  details: Record<string, unknown>;
}

export interface AuditFinding {
  /** archive, stream, or a read model */
  tier: string;
  kind: 'missing' | 'different' | 'extra' | 'lost';
  place: string;
  detail: string;
}

export interface SessionAudit {
  sessionId: string;
  isComplete: boolean;
  epoch?: string;
  head: number;
  persisted: number;
  counts: { events: number; pending: number; unverifiable: number };
  deadLetters: { consumer: string; seq: number; reason: string }[];
  behind: string[];
  found: { missing: number; different: number; extra: number; lost: number };
  findings: AuditFinding[];
  isCut?: true;
}

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

interface Ends {
  completed: number;
  failed: number;
  durationMs: Percentiles;
}

/** The points of each query of analytics; `at` is when the step begins. */
export interface AnalyticsPoints {
  messages: { at: string; messages: number };
  'active-users': { at: string; users: number };
  sessions: { at: string; created: number; active: number };
  latency: { at: string; events: number; publishedMs: Percentiles; persistedMs: Percentiles };
  streams: { at: string; cancelled: number } & Ends;
  traces: { at: string } & Ends;
  errors: { at: string; failedStreams: number; failedTraces: number; deadLetters: number };
  'dead-letters': { at: string; letters: { consumer: string; reason: string; letters: number }[] };
}

export type AnalyticsQuery = keyof AnalyticsPoints;
export type AnalyticsStep = 'minute' | 'hour' | 'day';

export interface AnalyticsAnswer<Point> {
  query: AnalyticsQuery;
  step: AnalyticsStep;
  from: string;
  to: string;
  items: Point[];
}
