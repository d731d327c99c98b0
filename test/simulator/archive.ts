import { DatabaseSync } from 'node:sqlite';
import { archiveLast } from '../../consumers/stores/history/archive-last.ts';
import type { ArchivePage, Touched } from '../../consumers/stores/history/archive.ts';
import type { Held, HistoryStore, HistoryWrite, SessionKey } from '../../consumers/stores/history/port.ts';
import { openSqliteHistory } from '../../consumers/stores/history/sqlite.ts';
import type { StoredMessage } from '../../shared/contract/internal.ts';
import type { SeqRange } from '../../shared/core/seq-ranges.ts';
import type { Event } from '../../shared/core/types.ts';
import type { FaultKind } from './faults.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import { StoreFront } from './store-front.ts';
import type { World } from './world.ts';

const POISONS = ['poison-throws', 'poison-hangs', 'poison-kills'] as const satisfies readonly FaultKind[];
export type Poison = (typeof POISONS)[number];
/** events of one seed that nobody can store */
const POISON_EVENTS_MAX = 3;
const POISON_ONE_IN = 80;

/** The one database behind all workers: the product's adapter on an SQLite in memory, and what is wrong with it. */
export class Archive {
  readonly poisons = new Map<string, Poison>();
  readonly #seen = new Set<string>();
  readonly world: World;
  readonly store: HistoryStore;
  /** the checker's own eyes */
  readonly database: DatabaseSync;
  readonly front: StoreFront;

  constructor(world: World, network: Network) {
    this.world = world;
    this.front = new StoreFront('store', world, network);
    const path = `file:simulated-${world.seed}?mode=memory&cache=shared`;
    this.store = openSqliteHistory({ path, writes: true });
    this.database = new DatabaseSync(path);
  }

  async close(): Promise<void> {
    this.database.close();
    await this.store.close();
  }

  /** Whether an event is one that hurts whoever stores it; decided when it is first seen, and for good. */
  poisonOf({ tenant, sessionId }: SessionKey, seq: number): Poison | undefined {
    const name = `${tenant} ${sessionId} ${seq}`;
    return this.poisons.get(name);
  }

  /** Makes an event that was just published a poison, now and then. */
  maybePoison(sessionId: string, seq: number): void {
    const { world } = this;
    const name = `default ${sessionId} ${seq}`;
    // one that is published again may be in the archive already
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    if (!world.faults.raging || this.poisons.size >= POISON_EVENTS_MAX) return;
    const kinds = POISONS.filter((kind) => world.faults.enabled.has(kind));
    const kind = world.pick(kinds);
    if (kind === undefined || !world.chance(1 / POISON_ONE_IN)) return;
    this.poisons.set(name, kind);
    world.faults.happened(kind);
    world.note('store', `seq ${seq} of ${sessionId} is poison: ${kind}`);
  }
}

/** The store as one process reaches it: over the network, and not always. */
export class RemoteStore implements HistoryStore {
  readonly #archive: Archive;
  readonly #machine: Machine;

  constructor(archive: Archive, machine: Machine) {
    this.#archive = archive;
    this.#machine = machine;
  }

  async write(batch: readonly HistoryWrite[]): Promise<void> {
    const poison = this.#poisonIn(batch);
    if (poison === 'poison-kills') this.#machine.kill();
    if (poison === 'poison-hangs' || poison === 'poison-kills') return await new Promise(() => {});
    if (poison === 'poison-throws') throw new Error('poison: UNIQUE constraint failed');
    const { front, store } = this.#archive;
    // a part of it is such as a store with statements of its own leaves: the archive's rows are the last
    const { made, archived } = archiveLast(batch);
    await front.write(this.#machine, [...made, ...archived], async (part) => await store.write(part));
  }

  async readEvents(session: SessionKey, from: number, to: number, maxBytes: number): Promise<Event[]> {
    return await this.#read('read', async (store) => await store.readEvents(session, from, to, maxBytes));
  }

  async readEventsAt(session: SessionKey, seqs: readonly number[], maxBytes: number): Promise<Event[]> {
    return await this.#read('read', async (store) => await store.readEventsAt(session, seqs, maxBytes));
  }

  async readMessages(session: SessionKey, seqs: readonly number[], maxBytes: number): Promise<StoredMessage[]> {
    return await this.#read('read', async (store) => await store.readMessages(session, seqs, maxBytes));
  }

  async heldRanges(session: SessionKey, ranges: readonly SeqRange[]): Promise<Held> {
    return await this.#read('held', async (store) => await store.heldRanges(session, ranges));
  }

  async readNote(name: string): Promise<string | undefined> {
    return await this.#read('note', async (store) => await store.readNote(name));
  }

  async writeNote(name: string, note: string): Promise<void> {
    await this.#read('note', async (store) => await store.writeNote(name, note));
  }

  async *touched(hour: number): AsyncIterable<readonly Touched[]> {
    yield* await this.#read('touched', async (store) => await all(store.touched(hour)));
  }

  async *eventsOf(part: Touched): AsyncIterable<ArchivePage> {
    yield* await this.#read('events of a part', async (store) => await all(store.eventsOf(part)));
  }

  async *scanEvents(): AsyncIterable<ArchivePage & { done: number }> {
    yield* await this.#read('scan', async (store) => await all(store.scanEvents()));
  }

  async health(): Promise<void> {
    await this.#read('health', async () => await Promise.resolve());
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  async #read<T>(what: string, ask: (store: HistoryStore) => Promise<T>): Promise<T> {
    const { front, store } = this.#archive;
    return await front.ask(this.#machine, what, async () => await ask(store));
  }

  #poisonIn(batch: readonly HistoryWrite[]): Poison | undefined {
    for (const write of batch) {
      if (write.kind !== 'row' || write.table !== 'events' || write.cells.envelope === undefined) continue;
      const poison = this.#archive.poisonOf(write.key, write.key.seq);
      if (poison !== undefined) return poison;
    }
    return undefined;
  }
}

async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(page);
  return found;
}
