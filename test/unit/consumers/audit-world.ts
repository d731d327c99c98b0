import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { auditSession, type AuditOptions } from '../../../consumers/audit/session-audit.ts';
import type { SessionReport } from '../../../consumers/audit/finding.ts';
import type { EventLetter } from '../../../consumers/audit/letters.ts';
import type { AuditPorts } from '../../../consumers/audit/session-look.ts';
import { historyAudit } from '../../../consumers/projections/history-audit.ts';
import { rowsOf } from '../../../consumers/projections/history.ts';
import type { AuditSubject, ReadModelAudit } from '../../../consumers/runtime/read-model.ts';
import { openSqliteScan } from '../../../consumers/stores/history/sqlite-scan.ts';
import { openSqliteHistory } from '../../../consumers/stores/history/sqlite.ts';
import type { AuditedSession } from '../../../shared/contract/audit.ts';
import { DIGEST_BYTES, digestOf, putDigest } from '../../../shared/core/event-digest.ts';
import { eraseEvent } from '../../../shared/core/event.ts';
import { isErased, type Event } from '../../../shared/core/types.ts';

export const SESSION = { tenant: 'default', sessionId: 's1' };
export const NOW_MS = Date.parse('2026-03-01T00:00:00.000Z');
export const STORED_AT_MS = NOW_MS - 60_000;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What a deletion erases of a session's events, as the edge has them afterwards. */
export function asTheEdgeHasThem(events: readonly Event[]): Event[] {
  const erased = new Set<number>();
  for (const event of events) {
    if (isErased(event)) continue;
    if (event.type === 'message.deleted')
      for (const seq of [event.data.messageSeq, ...(event.data.updatedSeqs ?? [])]) erased.add(seq);
    if (event.type === 'trace.purged') {
      const { traceSeq, finishedSeq = traceSeq, spanSeqs = [], updatedSeqs = [] } = event.data;
      for (const seq of [traceSeq, finishedSeq, ...spanSeqs, ...updatedSeqs]) erased.add(seq);
    }
    if (event.type === 'session.deleted') for (let seq = 1; seq < event.seq; seq += 1) erased.add(seq);
  }
  return events.map((event) => (erased.has(event.seq) ? eraseEvent(event) : event));
}

/** A session at an edge, in a stream and in an embedded store, of which a test may take away what it likes. */
export class AuditWorld {
  readonly events: readonly Event[];
  /** by seq; a test removes what the stream has forgotten */
  readonly stream: Map<number, Event>;
  /** seqs below it have left the tail */
  floor = 1;
  /** seqs that the edge trimmed before it kept digests */
  unknown = new Set<number>();
  pending: { from: number; to: number }[] = [];
  oldestPendingAtMs = NOW_MS;
  failures: { seq: number; consumer: string; code: string }[] = [];
  letters: EventLetter[] = [];
  published: Event[] = [];
  /** what another read model was asked of, look by look */
  readonly asked: AuditSubject[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), 'millrace-world-'));
  readonly #path = join(this.#directory, 'history.db');

  constructor(events: readonly Event[]) {
    this.events = events;
    this.stream = new Map(events.map((event) => [event.seq, event]));
  }

  /** Brings these to the store, in this order. */
  async persist(events: readonly Event[]): Promise<void> {
    const store = openSqliteHistory({ path: this.#path, writes: true, isPassing: true });
    await store.write(events.flatMap((event) => rowsOf(event, { publishedAtMs: STORED_AT_MS, persistedAtMs: STORED_AT_MS })));
    await store.close();
  }

  /** Behind everybody's back. */
  sql(statement: string, ...parameters: SQLInputValue[]): number {
    const database = new DatabaseSync(this.#path);
    try {
      return Number(database.prepare(statement).run(...parameters).changes);
    } finally {
      database.close();
    }
  }

  async audit(more: Partial<AuditOptions> = {}): Promise<SessionReport> {
    const scan = openSqliteScan(this.#path);
    const openStore = async () => await Promise.resolve(openSqliteHistory({ path: this.#path, writes: true, isPassing: true }));
    const history = historyAudit(openSqliteScan(this.#path), openStore, () => NOW_MS);
    const store = await openStore();
    const ports: AuditPorts = {
      edge: {
        digests: async (_session, from) => await Promise.resolve({ session: this.#answer(from) }),
        events: async (_session, from, to) => {
          const whole = asTheEdgeHasThem(this.events).filter(({ seq }) => seq >= Math.max(from, this.floor) && seq <= to);
          return await Promise.resolve(whole.slice(0, 7));
        },
        inboxes: async () => await Promise.resolve({ looked: 0, findings: [] }),
        tell: async () => await Promise.resolve(),
      },
      scan,
      openStore: async () => await Promise.resolve(store),
      stream: {
        firstMs: async () => await Promise.resolve(this.stream.size === 0 ? Number.POSITIVE_INFINITY : STORED_AT_MS - 1),
        each: async (_session, take) => {
          for (const [seq, event] of this.stream) {
            await take({ streamSeq: seq, storedAtMs: STORED_AT_MS, data: new TextEncoder().encode(JSON.stringify(event)) });
          }
        },
        settledTo: async () => await Promise.resolve(undefined),
      },
      letters: { of: () => this.letters },
      models: [
        { name: 'history', audit: history },
        { name: 'other', audit: this.#other() },
      ],
      publish: async (event) => {
        this.published.push(event);
        this.stream.set(event.seq, event);
        return await Promise.resolve();
      },
      now: () => NOW_MS,
      wait: async () => await Promise.resolve(),
    };
    try {
      return await auditSession(ports, SESSION, {
        findingsMax: 1_000,
        pendingMsMax: 900_000,
        settleMs: 1,
        repair: false,
        ...more,
      });
    } finally {
      await history.close();
      await store.close();
      await scan.close();
    }
  }

  dispose(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #other(): ReadModelAudit {
    return {
      look: (subject) => {
        this.asked.push(subject);
        return { [Symbol.asyncIterator]: () => ({ next: async () => await Promise.resolve({ done: true, value: undefined }) }) };
      },
      close: async () => await Promise.resolve(),
    };
  }

  #answer(from: number): AuditedSession {
    const events = asTheEdgeHasThem(this.events);
    // in small pieces, as a large session comes
    const piece = events.slice(from - 1, from + 9);
    const digests = new Uint8Array(piece.length * DIGEST_BYTES);
    for (const [index, event] of piece.entries()) {
      if (!this.unknown.has(event.seq)) putDigest(digests, index, digestOf(event, sha256));
    }
    return {
      epoch: 'e',
      head: events.length,
      floor: this.floor,
      sent: events.length,
      persisted: events.length,
      pending: this.pending,
      ...(this.pending.length === 0 ? {} : { oldestPendingAtMs: this.oldestPendingAtMs }),
      failures: this.failures,
      isDeleted: events.at(-1)?.type === 'session.deleted',
      digests: Buffer.from(digests).toString('base64'),
    };
  }
}
