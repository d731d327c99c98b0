import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { upcast } from '../../shared/core/upcast.ts';
import type { Event } from '../../shared/core/types.ts';
import { rowsOf, type Times } from '../projections/history.ts';
import type { HistoryStore, HistoryWrite, SessionKey } from '../stores/history/port.ts';
import type { ScannedRow, HistoryScan } from '../stores/history/scan.ts';
import { openSqliteHistory } from '../stores/history/sqlite.ts';
import { openSqliteScan } from '../stores/history/sqlite-scan.ts';
import type { HistoryTable } from '../stores/history/tables.ts';

/** written in one transaction; what waits for it is in memory */
const BATCH_EVENTS_MAX = 500;
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
const PAGE_BYTES_MAX = 1024 * 1024;

/**
 * What the history of one session should be: a store of its own, in a temporary file, into which its events are folded by the
 * very rules by which the history takes them. So memory is bounded whatever the session's size, and nothing is written twice.
 */
export class Expected {
  readonly #session: SessionKey;
  readonly #directory: string;
  readonly #store: HistoryStore;
  readonly #scan: HistoryScan;
  #batch: HistoryWrite[] = [];
  #events = 0;
  #bytes = 0;

  private constructor(session: SessionKey, directory: string) {
    this.#session = session;
    this.#directory = directory;
    const path = join(directory, 'expected.db');
    this.#store = openSqliteHistory({ path, writes: true, isPassing: true });
    this.#scan = openSqliteScan(path);
  }

  static async open(session: SessionKey): Promise<Expected> {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-audit-'));
    try {
      return new Expected(session, directory);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Throws when the event is not what its type says, and then takes nothing of it. */
  async take(event: Event, times: Times): Promise<void> {
    const writes = rowsOf(upcast(event), times, event);
    this.#batch.push(...writes);
    this.#events += 1;
    for (const write of writes) if (write.kind === 'row') this.#bytes += sizeOf(write.cells);
    if (this.#events >= BATCH_EVENTS_MAX || this.#bytes >= BATCH_BYTES_MAX) await this.flush();
  }

  async flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#events = 0;
    this.#bytes = 0;
    if (batch.length > 0) await this.#store.write(batch);
  }

  async event(seq: number): Promise<Event | undefined> {
    const [found] = await this.#store.readEventsAt(this.#session, [seq], PAGE_BYTES_MAX);
    return found;
  }

  /** All of them, in order. */
  async *events(head: number): AsyncGenerator<Event[]> {
    for (let from = 1; from <= head;) {
      const page = await this.#store.readEvents(this.#session, from, head, PAGE_BYTES_MAX);
      const last = page.at(-1);
      if (last === undefined) return;
      yield page;
      from = last.seq + 1;
    }
  }

  rows(head: number, tables: readonly HistoryTable[]): AsyncGenerator<ScannedRow[]> {
    return this.#scan.rows(this.#session, head, tables);
  }

  async close(): Promise<void> {
    await this.#scan.close();
    await this.#store.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function sizeOf(cells: object): number {
  return Object.values(cells).reduce((sum: number, value) => sum + (typeof value === 'string' ? value.length : 8), 0);
}
