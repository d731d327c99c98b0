import { STREAM_STORE_EVERY_MS } from '../../shared/core/limits.ts';
import { RunningStream } from '../../shared/core/running-stream.ts';
import type { StreamRecord } from '../../shared/core/types.ts';
import type { CommandLog } from './command-log.ts';
import type { RoomPorts } from './ports.ts';

interface Kept {
  stream: RunningStream;
  /** chunks below this index are in the table */
  storedIndex: number;
  lastChunkAtMs: number;
  /** the row says that chunks may be taken which are not stored: found so after a crash, the stream was interrupted */
  open: boolean;
}

interface ChunkRow extends Record<string, SqlStorageValue> {
  stream_id: string;
  chunks: string;
  at: number;
}

/**
 * Running streams: whole in memory, and stored in segments (one row for the chunks that came since the last), so that a long
 * text is not written again with each chunk. A segment is written STREAM_STORE_EVERY_MS after its first chunk: a crash
 * loses at most that, and the sender learns by stream_gap where to go on. So that also finish without text learns of it, the
 * row is marked open before the first chunk of a burst is answered, and closed when a turn of the clock brought none.
 * Of a stream that ended only the id is kept.
 */
export class Streams {
  readonly #ports: RoomPorts;
  readonly #commands: CommandLog;
  readonly #running = new Map<string, Kept>();
  #anyEnded = false;
  #storing = false;
  #ended: RunningStream[] = [];

  constructor(ports: RoomPorts, commands: CommandLog) {
    this.#ports = ports;
    this.#commands = commands;
  }

  load(): void {
    this.reset();
    const { sql } = this.#ports;
    const open = new Set<string>();
    for (const row of sql.exec<{ record: string; open: number }>(`SELECT record, open FROM streams`)) {
      const record = JSON.parse(row.record) as StreamRecord;
      this.#add(record);
      if (row.open === 1) open.add(record.id);
    }
    const rows = sql.exec<ChunkRow>(`SELECT stream_id, chunks, at FROM stream_chunks ORDER BY stream_id, first_index`);
    for (const row of rows) {
      const kept = this.#running.get(row.stream_id);
      if (kept === undefined) continue;
      for (const chunk of JSON.parse(row.chunks) as string[]) kept.stream.append(chunk);
      kept.storedIndex = kept.stream.nextIndex;
      kept.lastChunkAtMs = row.at;
    }
    for (const id of open) this.#running.get(id)?.stream.interrupt();
    this.#anyEnded = sql.exec(`SELECT 1 FROM ended_streams LIMIT 1`).toArray().length > 0;
  }

  /** Forgets what was loaded. */
  reset(): void {
    this.#running.clear();
    this.#ended = [];
    this.#anyEnded = false;
  }

  get size(): number {
    return this.#running.size;
  }

  running(): RunningStream[] {
    return [...this.#running.values()].map((kept) => kept.stream);
  }

  find(id: string): RunningStream | 'ended' | undefined {
    const kept = this.#running.get(id);
    if (kept !== undefined) return kept.stream;
    if (!this.#anyEnded) return undefined;
    const rows = this.#ports.sql.exec(`SELECT 1 FROM ended_streams WHERE id = ?`, id).toArray();
    return rows.length === 0 ? undefined : 'ended';
  }

  put(record: StreamRecord): void {
    this.#ports.sql.exec(`INSERT OR REPLACE INTO streams (id, record, open) VALUES (?, ?, 0)`, record.id, JSON.stringify(record));
    this.#add(record);
  }

  append(id: string, text: string): void {
    const kept = this.#running.get(id);
    if (kept === undefined) return;
    kept.stream.append(text);
    kept.lastChunkAtMs = this.#ports.nowMs();
    this.#mark(kept, true);
    this.#storeSoon();
  }

  end(id: string): void {
    const kept = this.#running.get(id);
    if (kept === undefined) return;
    const { sql } = this.#ports;
    sql.exec(`DELETE FROM streams WHERE id = ?`, id);
    sql.exec(`DELETE FROM stream_chunks WHERE stream_id = ?`, id);
    sql.exec(`INSERT OR IGNORE INTO ended_streams (id) VALUES (?)`, id);
    this.#commands.storeDeferredKeys();
    this.#running.delete(id);
    this.#anyEnded = true;
    this.#ended.push(kept.stream);
  }

  /** Streams that ended since the last call, for those who have yet to see their last chunks. */
  takeEnded(): RunningStream[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  /** The session was deleted. */
  eraseAll(): void {
    for (const table of ['streams', 'stream_chunks', 'ended_streams']) this.#ports.sql.exec(`DELETE FROM ${table}`);
    this.reset();
  }

  /** When the first running stream is idle for too long. */
  deadlineMs(): number | undefined {
    let earliest: number | undefined;
    for (const { stream, lastChunkAtMs } of this.#running.values()) {
      const at = lastChunkAtMs + stream.idleTimeoutMs;
      if (earliest === undefined || at < earliest) earliest = at;
    }
    return earliest;
  }

  idleSince(nowMs: number): RunningStream[] {
    return [...this.#running.values()]
      .filter(({ stream, lastChunkAtMs }) => lastChunkAtMs + stream.idleTimeoutMs <= nowMs)
      .map(({ stream }) => stream);
  }

  /** Stores what came, with what else comes until then. The timer keeps the object awake for no longer than that. */
  #storeSoon(): void {
    if (this.#storing) return;
    this.#storing = true;
    this.#ports.background(this.#storeLater());
  }

  async #storeLater(): Promise<void> {
    try {
      await this.#ports.delay(STREAM_STORE_EVERY_MS);
      this.#ports.transaction(() => this.#store());
      this.#commands.forgetDeferredKeys();
    } catch (error) {
      // the storage failed: the platform resets the object, and senders go on from what is stored
      this.#ports.log('error', 'chunks were not stored', { error: String(error) });
      return;
    } finally {
      this.#storing = false;
    }
    if ([...this.#running.values()].some((kept) => kept.open)) this.#storeSoon();
  }

  #store(): void {
    for (const [id, kept] of this.#running) {
      const chunks = kept.stream.chunksFrom(kept.storedIndex);
      if (chunks.length === 0) {
        this.#mark(kept, false);
        continue;
      }
      this.#ports.sql.exec(
        `INSERT OR REPLACE INTO stream_chunks (stream_id, first_index, chunks, at) VALUES (?, ?, ?, ?)`,
        id,
        kept.storedIndex,
        JSON.stringify(chunks),
        kept.lastChunkAtMs,
      );
      kept.storedIndex = kept.stream.nextIndex;
    }
    this.#commands.storeDeferredKeys();
  }

  #add(record: StreamRecord): void {
    this.#running.set(record.id, {
      stream: new RunningStream(record),
      storedIndex: 0,
      lastChunkAtMs: record.startedAt,
      open: false,
    });
  }

  #mark(kept: Kept, open: boolean): void {
    if (kept.open === open) return;
    this.#ports.sql.exec(`UPDATE streams SET open = ? WHERE id = ?`, open ? 1 : 0, kept.stream.id);
    kept.open = open;
  }
}
