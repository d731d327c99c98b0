import { createHash } from 'node:crypto';
import type { InboxChange } from '../../../../shared/core/inbox.ts';
import { DEFAULT_LIMITS } from '../../../../shared/core/limits.ts';
import type { Command } from '../../../../shared/core/types.ts';
import type { Executed, Result } from '../../../../worker/session/api.ts';
import type { RoomPorts } from '../../../../worker/session/ports.ts';
import { Room } from '../../../../worker/session/room.ts';
import { welcome } from '../../../../worker/session/socket-door.ts';
import type { PublishItem, PublishOutcome, RequestOutcome } from '../../../../worker/uplink/api.ts';
import { MemoryStorage } from '../../../support/sql-storage.ts';
import { FakePort } from './fake-room.ts';

/** A whole room on a storage in memory, on a clock that the test moves: NATS and Inboxes are what the test says. */
export class RoomRig {
  nowMs = Date.UTC(2026, 0, 1);
  readonly storage = new MemoryStorage();
  room: Room;
  publish: (items: PublishItem[]) => Promise<PublishOutcome> = async (items) => ({ acked: items.length });
  request: (payload: string) => Promise<RequestOutcome> = async () => ({ ok: false, error: 'nobody answers' });
  tellInbox: (userId: string, change: InboxChange) => Promise<void> = async () => undefined;
  /** runs before a transaction; what it throws makes that transaction fail */
  beforeTransaction = (): void => undefined;
  #delays: (() => void)[] = [];
  #ids = 0;

  constructor() {
    this.room = this.#open();
    this.run('alice', 'session.create', {
      title: 'Lock',
      members: [
        { userId: 'alice', role: 'owner' },
        { userId: 'bob', role: 'member' },
      ],
    });
  }

  run<N extends Command['name']>(
    userId: string,
    name: N,
    data: Extract<Command, { name: N }>['data'],
    idempotencyKey?: string,
  ): Result<Executed> {
    // the pair is of one command, which the compiler cannot follow through a type parameter
    const command = { name, data } as Command;
    const actor = { id: userId, kind: 'user' as const };
    const key = idempotencyKey === undefined ? {} : { idempotencyKey };
    return this.room.execute({ command, actor, correlationId: 'correlation', ...key });
  }

  connect(userId: string): FakePort {
    const found = this.room.view.member(userId);
    const session = this.room.view.session();
    if (session === undefined) throw new Error('there is no session');
    const port = new FakePort();
    const caller = { actor: { id: userId, kind: 'user' as const }, tokenExpiresAtMs: this.nowMs + 3_600_000 };
    welcome(this.room, port, { caller, access: { session, member: found } }, { protocols: [] });
    return port;
  }

  /** Lets everything go on until nothing but delays is left. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** All delays end, and the time goes on by as much. */
  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    for (const wake of this.#delays.splice(0)) wake();
    await this.settle();
  }

  /** The object dies with what it held in memory; what was committed is there. */
  crash(): void {
    this.storage.commit();
    this.#delays = [];
    this.room = this.#open();
  }

  #open(): Room {
    const ports: object = {
      sql: this.storage.sql,
      transaction: <T>(section: () => T): T =>
        this.storage.transactionSync(() => {
          this.beforeTransaction();
          return section();
        }),
      synced: async () => undefined,
      nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
      delay: () => new Promise<void>((resolve) => this.#delays.push(resolve)),
      setAlarm: () => undefined,
      createElsewhere: () => Promise.reject(new Error('no session is made from here')),
      background: () => undefined,
      sockets: () => [],
      publisher: {
        publish: (items: PublishItem[]) => this.publish(items),
        request: (_subject: string, payload: string) => this.request(payload),
        signal: async () => undefined,
      },
      tellInbox: (userId: string, change: InboxChange) => this.tellInbox(userId, change),
      nowMs: () => this.nowMs,
      random: () => 0.5,
      newId: () => `made-${(this.#ids += 1)}`,
      digest: (text: string) => createHash('sha256').update(text).digest('hex'),
      log: () => undefined,
    };
    const identity = { tenant: 'default', sessionId: 's1' };
    // the platform's types are not those of Node's SQLite
    return new Room(identity, ports as RoomPorts, { publicUrl: 'http://localhost', limits: DEFAULT_LIMITS });
  }
}
