import type { InboxChange } from '../../shared/core/inbox.ts';
import { INBOX_TELL_MS } from '../../shared/core/limits.ts';
import { outboxBackoffMs } from './alarm-plan.ts';
import type { RoomPorts } from './ports.ts';

/** users looked at in one round, and told at the same time; the others wait for the next */
const ROUND_USERS_MAX = 100;
const TELLS_AT_ONCE_MAX = 6;

/**
 * Tells users' Inboxes what they did here themselves, past NATS and every consumer (contract §2: within 2 s). A row says
 * only that a user is to be told: what is told is the state of that moment, so that of many changes the last one counts.
 * A row goes once the Inbox took it, and not before.
 */
export class InboxOutbox {
  readonly #ports: RoomPorts;
  readonly #changeOf: (userId: string) => InboxChange;
  /** those being told right now, and whether they did something meanwhile */
  readonly #telling = new Map<string, { again: boolean }>();
  /** when a user was last told; only what is within INBOX_TELL_MS matters, in the order of time */
  readonly #toldAtMs = new Map<string, number>();
  #waiting = false;
  #running = false;
  #failures = 0;
  /** set while waiting after a failure */
  retryAtMs: number | undefined;

  constructor(ports: RoomPorts, changeOf: (userId: string) => InboxChange) {
    this.#ports = ports;
    this.#changeOf = changeOf;
  }

  load(): void {
    this.#waiting = this.#after('', 1).length > 0;
  }

  /** Forgets what was loaded: the tables are gone again. */
  reset(): void {
    this.#waiting = false;
  }

  get waiting(): boolean {
    return this.#waiting;
  }

  /** Call in the transaction of the change. */
  mark(userId: string): void {
    this.#ports.sql.exec(`INSERT OR IGNORE INTO inbox_outbox (user_id) VALUES (?)`, userId);
    this.#waiting = true;
    const telling = this.#telling.get(userId);
    if (telling !== undefined) telling.again = true;
  }

  /** Starts telling unless that is under way, or a retry waits for its time. Never throws. */
  kick(): void {
    if (this.#running || !this.#waiting) return;
    if (this.retryAtMs !== undefined && this.retryAtMs > this.#ports.nowMs()) return;
    this.#ports.background(this.drain());
  }

  /** Tells all that wait, each once; who could not be told is tried again by the alarm. Never rejects. */
  async drain(): Promise<void> {
    if (this.#running || !this.#waiting) return;
    this.#running = true;
    this.retryAtMs = undefined;
    try {
      while (this.#waiting && (await this.#pass())) {
        // somebody did something since, or was told a moment ago
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#running = false;
    }
  }

  /** All rows once, in the order of users. False when somebody could not be told. */
  async #pass(): Promise<boolean> {
    let failure: unknown;
    let earlyMs: number | undefined;
    let last = '';
    for (;;) {
      const users = this.#after(last, ROUND_USERS_MAX);
      const reached = users.at(-1);
      if (reached === undefined) break;
      last = reached;
      const due: string[] = [];
      for (const userId of users) {
        const leftMs = this.#leftMs(userId);
        if (leftMs > 0) earlyMs = Math.min(earlyMs ?? leftMs, leftMs);
        else due.push(userId);
      }
      failure = (await this.#tellAll(due)) ?? failure;
    }
    if (failure !== undefined) {
      this.#failed(failure);
      return false;
    }
    if (this.#failures > 0) this.#ports.log('info', 'inboxes are told again', { failures: this.#failures });
    this.#failures = 0;
    this.load();
    if (earlyMs !== undefined) await this.#ports.delay(earlyMs);
    return true;
  }

  /** The first failure, if any: it holds up none of the others. */
  async #tellAll(users: readonly string[]): Promise<unknown> {
    let failure: unknown;
    const waiting = users.values();
    const lane = async (): Promise<void> => {
      // the iterator is shared: each user is taken by one of the lanes
      for (const userId of waiting) {
        try {
          await this.#tell(userId);
        } catch (error) {
          failure ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: TELLS_AT_ONCE_MAX }, lane));
    return failure;
  }

  async #tell(userId: string): Promise<void> {
    const telling = { again: false };
    this.#telling.set(userId, telling);
    this.#toldAtMs.delete(userId);
    this.#toldAtMs.set(userId, this.#ports.nowMs());
    try {
      await this.#ports.tellInbox(userId, this.#changeOf(userId));
      if (!telling.again) this.#ports.sql.exec(`DELETE FROM inbox_outbox WHERE user_id = ?`, userId);
    } finally {
      this.#telling.delete(userId);
    }
  }

  #leftMs(userId: string): number {
    const nowMs = this.#ports.nowMs();
    for (const [told, atMs] of this.#toldAtMs) {
      if (atMs + INBOX_TELL_MS > nowMs) break;
      this.#toldAtMs.delete(told);
    }
    const atMs = this.#toldAtMs.get(userId);
    return atMs === undefined ? 0 : atMs + INBOX_TELL_MS - nowMs;
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    if (this.#failures === 1) this.#ports.log('warn', 'inboxes wait to be told', { error: String(error) });
    this.retryAtMs = this.#ports.nowMs() + outboxBackoffMs(this.#failures, this.#ports.random());
    this.#ports.setAlarm(this.retryAtMs);
  }

  #after(userId: string, limit: number): string[] {
    return this.#ports.sql
      .exec<{ user_id: string }>(`SELECT user_id FROM inbox_outbox WHERE user_id > ? ORDER BY user_id LIMIT ?`, userId, limit)
      .toArray()
      .map((row) => row.user_id);
  }
}
