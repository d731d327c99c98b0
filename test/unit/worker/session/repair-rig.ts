import { createHash } from 'node:crypto';
import type { Receipt } from '../../../../shared/contract/internal.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../../shared/core/limits.ts';
import type { Command } from '../../../../shared/core/types.ts';
import type { Result, Executed } from '../../../../worker/session/api.ts';
import type { RoomPorts } from '../../../../worker/session/ports.ts';
import { Room } from '../../../../worker/session/room.ts';
import { MemoryStorage } from '../../../support/sql-storage.ts';
import { LossyStream } from './lossy-stream.ts';

const UNLIMITED: Partial<Limits> = { commandsPerS: 1e9, commandsBurst: 1e9, sessionCommandsPerS: 1e9 };

/** A room on a storage in memory, whose alarm rings when the test lets time pass, and a stream behind it that can lose things. */
export class RepairRig {
  readonly identity = { tenant: 'default', sessionId: 's1' };
  readonly storage = new MemoryStorage();
  nowMs = 1_700_000_000_000;
  readonly stream = new LossyStream(() => this.nowMs);
  readonly logged: { message: string; fields: Record<string, unknown> }[] = [];
  readonly limits: Limits;
  room: Room;
  #alarmAtMs: number | undefined;
  #ids = 0;
  readonly #background = new Set<Promise<void>>();

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...UNLIMITED, ...limits };
    this.room = this.#open();
  }

  /** Creates the session, sends so many messages, and waits until all were handed over. */
  async start(messages: number): Promise<void> {
    this.execute({ name: 'session.create', data: { title: 'Test' } });
    for (let sent = 0; sent < messages; sent += 1) this.send(`message ${sent + 1}`);
    await this.settle();
  }

  send(text: string): Result<Executed> {
    return this.execute({ name: 'message.send', data: { text } });
  }

  execute(command: Command): Result<Executed> {
    return this.room.execute({ command, actor: { id: 'alice', kind: 'user' }, correlationId: 'test' });
  }

  /** The history takes what waits; its receipt arrives unless it is lost. */
  consume({ lost = false } = {}): void {
    const receipt: Receipt = this.stream.consume(this.identity);
    if (!lost) this.room.takeReceipt(receipt);
  }

  /** Lets time pass: the alarm rings whenever it is due. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (let rings = 0; this.#alarmAtMs !== undefined && this.#alarmAtMs <= untilMs; rings += 1) {
      if (rings > 10_000) throw new Error('the alarm rings without end');
      this.nowMs = Math.max(this.nowMs, this.#alarmAtMs);
      this.#alarmAtMs = undefined;
      await this.room.alarm();
      await this.settle();
    }
    this.nowMs = untilMs;
  }

  /** Lets what was begun come to its end; timers do not run. */
  async settle(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** The object dies between two turns and is opened again on what it has written. */
  reopen(): void {
    this.storage.commit();
    this.room = this.#open();
    this.room.woke(this.#alarmAtMs);
  }

  /** seqs without a receipt */
  get missing(): number {
    return this.room.events.head - this.room.progress.persisted;
  }

  questions(op: 'held' | 'inStream'): number {
    return this.stream.asked.filter((request) => request.op === op).length;
  }

  /** what was published by the repair: the calls after the first of each event */
  republished(): { atMs: number; seqs: number[] }[] {
    const seen = new Set<number>();
    return this.stream.calls.filter(({ seqs }) => {
      const again = seqs.some((seq) => seen.has(seq));
      for (const seq of seqs) seen.add(seq);
      return again;
    });
  }

  #open(): Room {
    return new Room(this.identity, this.#ports(), { publicUrl: 'http://test', limits: this.limits });
  }

  #ports(): RoomPorts {
    return {
      sql: this.storage.sql,
      transaction: (section) => this.storage.transactionSync(section),
      synced: async () => await Promise.resolve(),
      nextTurn: async () => await Promise.resolve(),
      delay: async () => await Promise.resolve(),
      setAlarm: (atMs) => (this.#alarmAtMs = atMs),
      createElsewhere: async () => await Promise.reject(new Error('not here')),
      background: (work) => {
        const tracked = work.finally(() => this.#background.delete(tracked));
        this.#background.add(tracked);
      },
      sockets: () => [],
      publisher: this.stream,
      tellInbox: async () => await Promise.resolve(),
      nowMs: () => this.nowMs,
      random: () => 0.5,
      newId: () => `id-${(this.#ids += 1)}`,
      digest: (text) => createHash('sha256').update(text).digest('hex'),
      log: (_level, message, fields = {}) => void this.logged.push({ message, fields }),
    };
  }
}
