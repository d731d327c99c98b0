import type { Counts, PublishFailure } from '../metrics/counts.ts';

/** What Sessions and the Worker ask of an Uplink object over RPC. Every call answers within UPLINK_CALL_MS_MAX. */

export interface PublishItem {
  subject: string;
  /** Nats-Msg-Id */
  id: string;
  /** the encoded event */
  payload: string;
  /** of the event, where its trace is recorded */
  traceparent?: string;
}

export interface PublishOutcome {
  /** how many items, counted from the first, JetStream acknowledged without a hole */
  acked: number;
  /** why the rest was not; never shown to clients */
  error?: string;
  /** the same, as metrics have it; absent from an Uplink of an older build */
  reason?: PublishFailure;
  /** the lowest stream sequence that a PubAck named; absent from an Uplink of an older build */
  streamSeq?: number;
  /** which of the acknowledged items, by index, the stream took for a repetition and did not store now */
  duplicates?: number[];
}

/** What a Session tells of itself with a publish, for metrics alone. */
export interface SessionReport {
  /** tells Sessions apart */
  session: string;
  /** events not acknowledged yet, those of this publish included */
  outboxEvents: number;
  /** epoch ms at which the oldest of them was committed */
  oldestAtMs: number;
  sockets: number;
  /** what happened since the last report */
  counts?: Counts;
}

/** What an Uplink knows, for metrics. Counts are since it started. */
export interface UplinkFigures {
  /** epoch ms */
  startedAtMs: number;
  counts: Counts;
  outbox: { events: number; sessions: number; oldestAtMs?: number };
  sockets: number;
}

export type RequestOutcome = { ok: true; payload: string } | { ok: false; error: string };

export interface UplinkApi {
  /** `report`: absent from a Session of an older build */
  publish(items: PublishItem[], report?: SessionReport): Promise<PublishOutcome>;
  /** NATS request and reply; `ok: false` on no responders, time-out or no connection. `traceparent`: of whoever asks */
  request(subject: string, payload: string, traceparent?: string): Promise<RequestOutcome>;
  /** a core message marked as the edge's own; rejects when the server did not confirm within the bound that it has it */
  signal(subject: string, payload: string): Promise<void>;
  /** true when the server answered a round trip just now */
  health(): Promise<boolean>;
  /** from memory: no connection is made for it */
  figures(): Promise<UplinkFigures>;
}
