import type { Client } from 'cassandra-driver';
import type { StoredMessage } from '../../../shared/contract/internal.ts';
import { rangesOf, type SeqRange } from '../../../shared/core/seq-ranges.ts';
import type { Event } from '../../../shared/core/types.ts';
import { ByteCut } from './byte-cut.ts';
import { archiveLast } from './archive-last.ts';
import { TouchedMemory, type ArchivePage, type Touched } from './archive.ts';
import { CassandraArchive } from './cassandra-archive.ts';
import { asStoreFault, cassandraClient, connected } from './cassandra-client.ts';
import { CassandraErasure, type Erasure } from './cassandra-erasure.ts';
import { cellsOf, pagesOf } from './cassandra-rows.ts';
import { requireSchema } from './cassandra-schema.ts';
import type { CassandraSettings } from './cassandra-settings.ts';
import { statementOf } from './cassandra-statement.ts';
import { eachInFlight } from './in-flight.ts';
import type { EraseSession, Held, HistoryStore, HistoryWrite, RowWrite, SessionKey } from './port.ts';
import { eventOf, messageOf } from './rows.ts';
import { bucketOf, type CellsOf, type HistoryTable } from './tables.ts';

const WRITES_IN_FLIGHT_MAX = 64;
const BUCKETS_IN_FLIGHT_MAX = 8;
/** rows read ahead of the cut; the largest event is some hundreds of kilobytes */
const EVENTS_PAGE_ROWS = 64;
const READS_IN_FLIGHT_MAX = 32;
const HELD_PAGE_ROWS = 1_000;
const PROBE_NAME = 'history';

export interface CassandraOptions {
  settings: CassandraSettings;
  /** false: only reads, so that health does not write */
  writes: boolean;
}

/** The history store on Cassandra. Rejects when no node can be reached, or when the schema is not there (see `npm run migrate`). */
export async function openCassandraHistory({ settings, writes }: CassandraOptions): Promise<HistoryStore> {
  const client = await connected(cassandraClient(settings));
  try {
    await requireSchema(client, settings.keyspace);
  } catch (error) {
    await client.shutdown();
    throw asStoreFault(error);
  }
  return new CassandraHistory(client, settings.keyspace, writes);
}

class CassandraHistory implements HistoryStore {
  readonly #client: Client;
  readonly #keyspace: string;
  readonly #writes: boolean;
  readonly #erasure: CassandraErasure;
  readonly #archive: CassandraArchive;
  readonly #touched = new TouchedMemory();

  constructor(client: Client, keyspace: string, writes: boolean) {
    this.#client = client;
    this.#keyspace = keyspace;
    this.#writes = writes;
    this.#erasure = new CassandraErasure(client, keyspace);
    this.#archive = new CassandraArchive(client, keyspace);
  }

  /**
   * Where rows will lie, rows, what deletions erase, and the archive's rows behind all of it (archive-last.ts). An event that is
   * here and not in `touched` would be found by nobody who lost its hour; see CassandraErasure for why the rest leaves no gap.
   */
  async write(batch: readonly HistoryWrite[]): Promise<void> {
    try {
      const rows = batch.filter((write) => write.kind === 'row');
      const touched = this.#touched.unknownOf(rows);
      await this.#archive.writeTouched(touched);
      this.#touched.add(touched);
      const { made, archived } = archiveLast(batch);
      await this.#writeRows(made.filter((write) => write.kind === 'row'));
      for (const erase of latestErasures(batch)) await this.#erasure.eraseSession(erase);
      await this.#writeRows(archived);
      // one look for all of them: it has to come behind what it looks after, and costs a read per session
      await this.#eraseLate(rows);
    } catch (error) {
      throw asStoreFault(error);
    }
  }

  async #writeRows(rows: readonly RowWrite[]): Promise<void> {
    await eachInFlight(rows, WRITES_IN_FLIGHT_MAX, async (row) => await this.#writeRow(row));
  }

  touched = (hour: number): AsyncIterable<Touched[]> => withStoreFaults(this.#archive.touched(hour));
  eventsOf = (part: Touched): AsyncIterable<ArchivePage> => withStoreFaults(this.#archive.eventsOf(part));
  scanEvents = (): AsyncIterable<ArchivePage & { done: number }> => withStoreFaults(this.#archive.scanEvents());
  readNote = async (name: string): Promise<string | undefined> => await orStoreFault(this.#archive.readNote(name));
  writeNote = async (name: string, note: string): Promise<void> => await orStoreFault(this.#archive.writeNote(name, note));

  async readEvents(session: SessionKey, from: number, to: number, maxBytes: number): Promise<Event[]> {
    const cql = `SELECT envelope, data FROM ${this.#keyspace}.events
      WHERE tenant = ? AND session_id = ? AND bucket = ? AND seq >= ? AND seq <= ?`;
    const cut = new ByteCut<Event>(maxBytes);
    for (let bucket = bucketOf('events', from); bucket <= bucketOf('events', to); bucket += 1) {
      const key = [session.tenant, session.sessionId, BigInt(bucket), BigInt(from), BigInt(to)];
      for await (const rows of pagesOf(this.#client, cql, key, EVENTS_PAGE_ROWS)) {
        for (const row of rows) {
          const event = eventOf(cellsOf('events', row));
          if (event !== undefined && !cut.take(event)) return cut.taken;
        }
      }
    }
    return cut.taken;
  }

  async readEventsAt(session: SessionKey, seqs: readonly number[], maxBytes: number): Promise<Event[]> {
    const cql = `SELECT envelope, data FROM ${this.#keyspace}.events WHERE tenant = ? AND session_id = ? AND bucket = ? AND seq = ?`;
    return await this.#readByKey('events', cql, session, seqs, maxBytes, (_seq, cells) => eventOf(cells));
  }

  async readMessages(session: SessionKey, seqs: readonly number[], maxBytes: number): Promise<StoredMessage[]> {
    const cql = `SELECT * FROM ${this.#keyspace}.messages WHERE tenant = ? AND session_id = ? AND bucket = ? AND seq = ?`;
    return await this.#readByKey('messages', cql, session, seqs, maxBytes, messageOf);
  }

  async heldRanges(session: SessionKey, ranges: readonly SeqRange[]): Promise<Held> {
    // the time of writing says that there is an envelope without sending it
    const cql = `SELECT seq, published_at, persisted_at, WRITETIME(envelope) AS present FROM ${this.#keyspace}.events
      WHERE tenant = ? AND session_id = ? AND bucket = ? AND seq >= ? AND seq <= ?`;
    const seqs: number[] = [];
    let publishedAt = 0;
    let persistedAt = 0;
    await eachInFlight(bucketedRanges(ranges), BUCKETS_IN_FLIGHT_MAX, async ({ bucket, from, to }) => {
      const key = [session.tenant, session.sessionId, BigInt(bucket), BigInt(from), BigInt(to)];
      for await (const rows of pagesOf(this.#client, cql, key, HELD_PAGE_ROWS)) {
        for (const row of rows.filter((each) => typeof each['present'] === 'bigint')) {
          const cells = cellsOf('events', row);
          seqs.push(Number(row['seq']));
          publishedAt = Math.max(publishedAt, cells.publishedAt ?? 0);
          persistedAt = Math.max(persistedAt, cells.persistedAt ?? 0);
        }
      }
    });
    return { ranges: rangesOf(seqs.toSorted((a, b) => a - b)), publishedAt, persistedAt };
  }

  async health(): Promise<void> {
    const probe = this.#writes
      ? `INSERT INTO ${this.#keyspace}.probes (name, at) VALUES (?, ?) USING TIMESTAMP ?`
      : `SELECT at FROM ${this.#keyspace}.probes WHERE name = ?`;
    const now = Date.now();
    await this.#client.execute(probe, this.#writes ? [PROBE_NAME, new Date(now), BigInt(now) * 1_000n] : [PROBE_NAME]);
  }

  async close(): Promise<void> {
    await this.#client.shutdown();
  }

  /** Rows by seq, so many at once; what is beyond the cut is read at most once in vain. */
  async #readByKey<T extends HistoryTable, V>(
    table: T,
    cql: string,
    { tenant, sessionId }: SessionKey,
    seqs: readonly number[],
    maxBytes: number,
    make: (seq: number, cells: CellsOf<T>) => V | undefined,
  ): Promise<V[]> {
    const read = async (seq: number): Promise<V | undefined> => {
      const row = (await this.#client.execute(cql, [tenant, sessionId, BigInt(bucketOf(table, seq)), BigInt(seq)])).rows[0];
      return row === undefined ? undefined : make(seq, cellsOf(table, row));
    };
    const cut = new ByteCut<V>(maxBytes);
    for (let start = 0; start < seqs.length; start += READS_IN_FLIGHT_MAX) {
      const found = await Promise.all(seqs.slice(start, start + READS_IN_FLIGHT_MAX).map(read));
      for (const value of found) if (value !== undefined && !cut.take(value)) return cut.taken;
    }
    return cut.taken;
  }

  async #writeRow(row: RowWrite): Promise<void> {
    const statement = statementOf(this.#keyspace, row);
    if (statement !== undefined) await this.#client.execute(statement.cql, statement.parameters);
  }

  /** Once every row is there: nobody can remember that there is no deletion while others may write one. */
  async #eraseLate(rows: readonly RowWrite[]): Promise<void> {
    const sessions = new Map(rows.map(({ key }) => [nameOf(key), key]));
    const erasures = new Map<string, Erasure>();
    for (const [session, erasure] of await this.#erasure.erasuresOf([...sessions.values()])) {
      erasures.set(nameOf(session), erasure);
    }
    if (erasures.size === 0) return;
    await eachInFlight(rows, WRITES_IN_FLIGHT_MAX, async (row) => {
      const erasure = erasures.get(nameOf(row.key));
      if (erasure !== undefined) await this.#erasure.eraseRow(row, erasure);
    });
  }
}

async function orStoreFault<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw asStoreFault(error);
  }
}

async function* withStoreFaults<T>(pages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* pages;
  } catch (error) {
    throw asStoreFault(error);
  }
}

function nameOf({ tenant, sessionId }: SessionKey): string {
  return `${tenant} ${sessionId}`;
}

/** One deletion per session: the one that says most. */
function latestErasures(batch: readonly HistoryWrite[]): EraseSession[] {
  const latest = new Map<string, EraseSession>();
  for (const write of batch) {
    if (write.kind !== 'eraseSession') continue;
    const before = latest.get(nameOf(write));
    if (before === undefined || before.clock < write.clock) latest.set(nameOf(write), write);
  }
  return [...latest.values()];
}

function* bucketedRanges(ranges: readonly SeqRange[]): Generator<{ bucket: number; from: number; to: number }> {
  for (const [from, to] of ranges) {
    for (let bucket = bucketOf('events', from); bucket <= bucketOf('events', to); bucket += 1) yield { bucket, from, to };
  }
}
