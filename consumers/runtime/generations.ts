import type { OpenedReadModel, Platform } from './read-model.ts';

/**
 * What a read model offers so that it can be made anew beside the one that serves. A generation is a whole copy of what the
 * read model keeps (an index, a table, a file), named for a whole number from 1. Exactly one is current: readers read it, and
 * the read model's ordinary projection writes to it.
 *
 * Whoever implements it resolves "the current one" anew for each batch and each query, wherever the processes run: an alias
 * in the store, a row, a file's name. A batch that began before a swap may still end in the old generation: the rebuild knows.
 */
export interface Generations {
  /** The current one, and all others that exist, whole or not. A store that is empty has current 1. */
  list(): Promise<{ current: number; others: readonly number[] }>;
  /**
   * Makes generation n empty and answers a projection that writes to it alone; of its settlements nobody is told. Nobody reads
   * it yet. Rejects when n exists.
   */
  make(n: number): Promise<Pick<OpenedReadModel, 'projection' | 'close'>>;
  /** Makes n the current one, for readers and writers, in one step that is there wholly or not at all. The one before stays. */
  swap(n: number): Promise<void>;
  /** Removes n with all that belongs to it; nothing happens where there is none. Rejects when n is the current one. */
  drop(n: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens a read model's generations. Rejects while the store cannot be reached. */
export type OpenGenerations = (platform: Platform) => Promise<Generations>;
