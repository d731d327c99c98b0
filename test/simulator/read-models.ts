import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { ANALYTICS_DURABLE } from '../../consumers/projections/analytics.ts';
import { HISTORY_DURABLE } from '../../consumers/projections/history.ts';
import { SEARCH_DURABLE } from '../../consumers/projections/search.ts';
import type { Event } from '../../shared/core/types.ts';
import type { Archive } from './archive.ts';
import { TENANT } from './edge.ts';
import type { OtherStores } from './other-stores.ts';
import type { StoreFront } from './store-front.ts';
import { WITNESS, type Witness } from './witness.ts';

/** The read models that are simulated, by the names of their durables. */
export const READ_MODELS: readonly string[] = [HISTORY_DURABLE, SEARCH_DURABLE, ANALYTICS_DURABLE, WITNESS];

/** Those whose store is not the archive: what their stream lost is given back to them by their guards. */
export const OTHERS: readonly string[] = READ_MODELS.filter((name) => name !== HISTORY_DURABLE);

type Told = Pick<Event, 'sessionid' | 'seq' | 'id' | 'type' | 'subject' | 'clock'>;

/** What lies in the stores, with the checker's own eyes. */
export class Holdings {
  readonly archive: Archive;
  readonly witness: Witness;
  readonly others: OtherStores;
  readonly #statements = new Map<string, StatementSync>();

  constructor(archive: Archive, witness: Witness, others: OtherStores) {
    this.archive = archive;
    this.witness = witness;
    this.others = others;
  }

  /** Whether a read model has taken an event, or what came after it and says all of it; true of what it does not take. */
  holds(name: string, event: Told): boolean {
    if (name === WITNESS) return this.witness.holds(event.sessionid, event.seq);
    if (name === ANALYTICS_DURABLE) return this.isCounted(event.id);
    return name === SEARCH_DURABLE ? this.isIndexed(event) : this.isArchived(event.sessionid, event.seq);
  }

  isArchived(sessionId: string, seq: number): boolean {
    const sql = 'SELECT 1 FROM events WHERE tenant = ? AND session_id = ? AND seq = ? AND envelope IS NOT NULL';
    return this.#has(this.archive.database, sql, TENANT, sessionId, seq);
  }

  isCounted(eventId: string): boolean {
    return this.#has(this.others.counted, 'SELECT 1 FROM events WHERE tenant = ? AND event_id = ?', TENANT, eventId);
  }

  isIndexed({ sessionid, type, subject, clock }: Told): boolean {
    const where = 'WHERE tenant = ? AND session_id = ?';
    const { indexed } = this.others;
    if (type === 'session.deleted') return this.#has(indexed, `SELECT 1 FROM erased_sessions_1 ${where}`, TENANT, sessionid);
    if (!type.startsWith('message.')) return true;
    const sql = `SELECT 1 FROM documents_1 ${where} AND message_id = ? AND clock >= ?`;
    return this.#has(indexed, sql, TENANT, sessionid, subject, BigInt(clock));
  }

  #has(database: DatabaseSync, sql: string, ...values: SQLInputValue[]): boolean {
    const statement = this.#statements.get(sql) ?? database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement.get(...values) !== undefined;
  }
}

/** Whatever stands before a database. */
export function frontsOf({ archive, others }: Holdings): StoreFront[] {
  return [archive.front, others.fronts.search, others.fronts.analytics];
}
