import type { Environment, StorageLike } from '../environment.ts';
import type { CommandName } from '../commands.ts';
import { STORE_MS_MAX } from './bounds.ts';
import { within } from './within.ts';

/** What of a command outlives a reload. */
export interface SavedCommand {
  name: CommandName;
  data: Record<string, unknown>;
  key: string;
  atMs: number;
}

/**
 * Unsettled commands of one user and session, in a store that may be slow or refuse: then they live in memory alone. Several
 * pages share the entry: each changes only its own commands in it, and none writes what it could not read before.
 */
export class OutboxStore {
  readonly #environment: Environment;
  readonly #storage: StorageLike;
  readonly #key: string;
  /** keys of the commands that are in the store by this page */
  #mine = new Set<string>();
  #atOnce = false;
  #writing: Promise<void> = Promise.resolve();
  #next: readonly SavedCommand[] | undefined;

  constructor(environment: Environment, storage: StorageLike, key: string) {
    this.#environment = environment;
    this.#storage = storage;
    this.#key = key;
  }

  /** What is there by others, a former page or another one. Undefined: it cannot be read now, which is not to say empty. */
  async load(): Promise<SavedCommand[] | undefined> {
    try {
      const read = this.#storage.getItem(this.#key);
      this.#atOnce = isText(read);
      return this.#others(await this.#bounded(read));
    } catch {
      return undefined;
    }
  }

  /** Writes one after the other; a newer list replaces one that still waits. */
  save(commands: readonly SavedCommand[]): void {
    const waits = this.#next !== undefined;
    this.#next = commands;
    if (!waits) this.#writing = this.#writing.then(() => this.#write());
  }

  /** A storage that answers at once is read and written in one go; at others pages wait for each other. */
  async #write(): Promise<void> {
    const { locks } = this.#environment;
    try {
      if (this.#atOnce || locks === undefined) await this.#exchange();
      else await locks.request(this.#key, () => this.#exchange());
    } catch {
      // full, forbidden or unreadable: nothing is lost while this page lives
      this.#next = undefined;
    }
  }

  async #exchange(): Promise<void> {
    const read = this.#storage.getItem(this.#key);
    await this.#bounded(this.#put(isText(read) ? read : await this.#bounded(read)));
  }

  #put(text: string | null): void | Promise<void> {
    const commands = this.#next ?? [];
    this.#next = undefined;
    const before = this.#others(text);
    this.#mine = new Set(commands.map(({ key }) => key));
    // twice: what this page had there and has settled goes, and what it took up of another one is its own now
    const others = before.filter(({ key }) => !this.#mine.has(key));
    const all = [...others, ...commands].sort((a, b) => a.atMs - b.atMs);
    return all.length === 0 ? this.#storage.removeItem(this.#key) : this.#storage.setItem(this.#key, JSON.stringify(all));
  }

  #others(text: string | null): SavedCommand[] {
    return parsed(text).filter(({ key }) => !this.#mine.has(key));
  }

  #bounded<T>(result: T | Promise<T>): Promise<T> {
    return within(this.#environment, STORE_MS_MAX, result, 'timeout');
  }
}

function isText(read: string | null | Promise<string | null>): read is string | null {
  return read === null || typeof read === 'string';
}

/** What is no list of commands is none. */
function parsed(text: string | null): SavedCommand[] {
  try {
    const saved: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(saved) ? saved.filter(isSaved) : [];
  } catch {
    return [];
  }
}

function isSaved(value: unknown): value is SavedCommand {
  const { name, data, key, atMs } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof name === 'string' && typeof key === 'string' && typeof atMs === 'number' && typeof data === 'object' && data !== null
  );
}
