import type { StorageLike } from '../environment.ts';
import type { CommandName } from '../commands.ts';

/** What of a command outlives a reload. */
export interface SavedCommand {
  name: CommandName;
  data: Record<string, unknown>;
  key: string;
  atMs: number;
}

/** Unsettled commands of one user and session, in a store that may be slow or refuse: then they live in memory alone. */
export class OutboxStore {
  readonly #storage: StorageLike;
  readonly #key: string;
  #writing: Promise<void> = Promise.resolve();
  #next: readonly SavedCommand[] | undefined;

  constructor(storage: StorageLike, key: string) {
    this.#storage = storage;
    this.#key = key;
  }

  async load(): Promise<SavedCommand[]> {
    try {
      const text = await this.#storage.getItem(this.#key);
      const saved: unknown = JSON.parse(text ?? '[]');
      return Array.isArray(saved) ? saved.filter(isSaved) : [];
    } catch {
      return [];
    }
  }

  /** Writes one after the other; a newer list replaces one that still waits. */
  save(commands: readonly SavedCommand[]): void {
    const waits = this.#next !== undefined;
    this.#next = commands;
    if (!waits) this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const commands = this.#next ?? [];
    this.#next = undefined;
    try {
      if (commands.length === 0) await this.#storage.removeItem(this.#key);
      else await this.#storage.setItem(this.#key, JSON.stringify(commands));
    } catch {
      // full or forbidden: nothing is lost while this page lives
    }
  }
}

function isSaved(value: unknown): value is SavedCommand {
  if (typeof value !== 'object' || value === null) return false;
  const { name, data, key, atMs } = value as Record<string, unknown>;
  return (
    typeof name === 'string' && typeof data === 'object' && data !== null && typeof key === 'string' && typeof atMs === 'number'
  );
}
