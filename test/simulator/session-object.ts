import { createHash } from 'node:crypto';
import type { Receipt } from '../../shared/contract/internal.ts';
import { refusal } from '../../shared/core/codes.ts';
import { DEFAULT_LIMITS, type Limits } from '../../shared/core/limits.ts';
import type { ExecuteInput, Executed, Result, SessionIdentity } from '../../worker/session/api.ts';
import type { RoomPorts } from '../../worker/session/ports.ts';
import { Room } from '../../worker/session/room.ts';
import { admit, takeFrame, welcome, type SocketRequest } from '../../worker/session/socket-door.ts';
import { Turns } from '../../worker/session/turns.ts';
import { MemoryStorage } from '../support/sql-storage.ts';
import { NEWER, type Build } from './builds.ts';
import type { NatsServer } from './jetstream/server.ts';
import { drawSkew, Machine } from './machine.ts';
import type { Network } from './network.ts';
import { downgrade } from './older-build.ts';
import type { EdgeSocket } from './sockets.ts';
import { SimulatedUplink } from './uplink.ts';
import type { World } from './world.ts';

const COMMIT_MS_MAX = 5;
const SLOW_COMMIT_MS_MAX = 4_000;
/** the platform calls an alarm again whose handler did not come to its end */
const ALARM_RETRY_MS = 2_000;
const ALARM_LATE_MS_MAX = 200;
const ALARM_AGAIN_MS = 100;

/** small, so that a session of a few hundred events gets to what is in the archive alone */
export const TAIL = { eventsMin: 60, slackEvents: 20 };

const LIMITS: Limits = {
  commandsPerS: 1_000_000,
  commandsBurst: 1_000_000,
  sessionCommandsPerS: 1_000_000,
  socketsPerUser: 1_000,
  framesPerS: 1_000_000,
  framesBurst: 1_000_000,
  unpersistedEvents: 100_000,
  unpersistedBytes: 1_000_000_000,
  embeddedMessages: 1_000_000,
  repairAfterMs: DEFAULT_LIMITS.repairAfterMs,
};

export interface EdgeParts {
  world: World;
  network: Network;
  server: NatsServer;
  isUp: () => boolean;
  /** what a Session is deployed with at first */
  build: Build;
}

/** One life of a Session: what is in memory, and gone with a crash. */
interface Life {
  machine: Machine;
  room: Room;
  turns: Turns;
  /** promises of the room that something waits for: while there are any, the platform does not let it sleep */
  busy: number;
  alarmKnown: boolean;
}

/**
 * A Durable Object with its disk: the product's Room, in the platform's hands. What was written becomes durable a moment
 * later; until then nothing gets out (the output gate), and a crash takes it back. Sockets are dropped by a crash and kept
 * over a sleep.
 */
export class SessionObject {
  readonly identity: SessionIdentity;
  readonly storage = new MemoryStorage();
  readonly sockets = new Set<EdgeSocket>();
  readonly #parts: EdgeParts;
  #build: Build;
  #life: Life | undefined;
  #alarmAtMs: number | undefined;
  #alarmRunning = false;
  /** its handler did not come to its end, and the platform will call it again */
  #alarmOwed = false;
  #nextAlarmAtMs: number | undefined;
  #committing = false;
  #gated: (() => void)[] = [];
  /** told after each commit, for the checker */
  onCommit: () => void = () => {};

  constructor(identity: SessionIdentity, parts: EdgeParts) {
    this.identity = identity;
    this.#parts = parts;
    this.#build = parts.build;
  }

  get room(): Room | undefined {
    return this.#life?.room;
  }

  get build(): Build {
    return this.#build;
  }

  /** Whether there is an event, which is of the build that it has, or of an older one. */
  get hasStamped(): boolean {
    return (this.#life?.room.events.head ?? 0) > 0;
  }

  get hasAlarm(): boolean {
    return this.#alarmAtMs !== undefined || this.#alarmOwed;
  }

  /** by the clock of the machine that it runs on */
  now(): number {
    return this.#parts.world.nowMs + (this.#life?.machine.skewMs ?? 0);
  }

  async execute(input: ExecuteInput): Promise<Result<Executed>> {
    const { turns, room } = this.#wake();
    return await new Promise((resolve, reject) => {
      turns.run(() => {
        try {
          const result = room.execute(input);
          this.gate(() => resolve(result));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  async takeReceipt(receipt: Receipt): Promise<void> {
    const { room } = this.#wake();
    room.takeReceipt(receipt);
    await new Promise<void>((resolve) => this.gate(resolve));
  }

  /** A read of the room as it is; what it answers leaves by the gate too. */
  async read<T>(question: (room: Room) => T): Promise<T> {
    const { room } = this.#wake();
    const answer = question(room);
    return await new Promise((resolve) => this.gate(() => resolve(answer)));
  }

  /** False: refused before the upgrade. */
  connect(socket: EdgeSocket, request: SocketRequest): boolean {
    const { room } = this.#wake();
    const decision = admit(room, request);
    if (!decision.ok) return false;
    this.sockets.add(socket);
    welcome(room, socket, decision.admission, request);
    return true;
  }

  frame(socket: EdgeSocket, text: string): void {
    if (!this.sockets.has(socket)) return;
    const { room, turns } = this.#wake();
    turns.run(() => {
      try {
        takeFrame(room, socket, text);
      } catch (error) {
        room.ports.log('error', 'a frame was not taken', { error: String(error) });
        socket.close(1011);
      }
    });
  }

  closed(socket: EdgeSocket): void {
    if (!this.sockets.delete(socket)) return;
    this.#life?.turns.settle();
    this.#life?.room.fanOut.detach(socket);
  }

  /** Runs once all that was written until now is durable. */
  gate(run: () => void): void {
    if (!this.#dirty) run();
    else this.#gated.push(run);
  }

  crash(): void {
    this.#life?.machine.kill();
  }

  /** The platform lets an idle object go, and keeps its sockets. */
  hibernate(): boolean {
    const life = this.#life;
    if (life === undefined || life.busy > 0 || this.#alarmRunning || this.#dirty || this.#gated.length > 0) return false;
    if (life.room.outbox.waiting) return false;
    life.machine.alive = false;
    this.#life = undefined;
    this.#parts.world.note(life.machine.name, 'sleeps');
    return true;
  }

  /** The next build is deployed: what runs ends, and the next life is of it. */
  upgrade(): boolean {
    this.#parts.world.note(this.identity.sessionId, 'is upgraded to the newer build');
    this.#build = NEWER;
    this.crash();
    return true;
  }

  /** As if a build from before the last migrations had written all of it. False when it holds what such a build did not know. */
  becomeOlder(): boolean {
    if (this.#dirty) return false;
    this.crash();
    const isOlder = downgrade(this.storage) > 0;
    this.storage.commit();
    return isOlder;
  }

  get #dirty(): boolean {
    return this.storage.dirty || this.#nextAlarmAtMs !== undefined;
  }

  #wake(): Life {
    if (this.#life === undefined) {
      const { world } = this.#parts;
      const machine = new Machine(world, 'edge', this.identity.sessionId, drawSkew(world));
      machine.onDeath(() => this.#died());
      const turns = new Turns({ nextTurn: (callback) => void machine.after(0, callback), background: () => {} });
      const life = { machine, turns, busy: 0, alarmKnown: false };
      const room = new Room(this.identity, this.#ports(life), {
        publicUrl: '',
        limits: LIMITS,
        tail: TAIL,
        versions: this.#build.versions,
      });
      // not a copy: the ports count what is busy in this very object
      this.#life = Object.assign(life, { room });
    }
    this.#learnAlarm(this.#life);
    return this.#life;
  }

  #learnAlarm(life: Life): void {
    if (life.alarmKnown) return;
    life.alarmKnown = true;
    life.machine.after(0, () => life.room.woke(this.#alarmAtMs));
  }

  #died(): void {
    this.#life = undefined;
    this.storage.lose();
    this.#nextAlarmAtMs = undefined;
    this.#gated = [];
    for (const socket of this.sockets) socket.dropped();
    this.sockets.clear();
    if (this.#alarmRunning) {
      this.#alarmRunning = false;
      this.#alarmOwed = true;
      this.#ringAt(this.#parts.world.nowMs + ALARM_RETRY_MS, undefined);
    }
  }

  #touched(): void {
    if (this.#committing || !this.#dirty) return;
    this.#committing = true;
    const { world } = this.#parts;
    const ms = world.faults.strikes('disk-slow')
      ? world.between(COMMIT_MS_MAX, SLOW_COMMIT_MS_MAX)
      : world.between(0, COMMIT_MS_MAX);
    world.clock.after(ms, () => this.#commit());
  }

  #commit(): void {
    this.#committing = false;
    this.storage.commit();
    const atMs = this.#nextAlarmAtMs;
    this.#nextAlarmAtMs = undefined;
    if (atMs !== undefined) {
      this.#alarmAtMs = atMs;
      this.#ringAt(atMs - (this.#life?.machine.skewMs ?? 0), atMs);
    }
    this.onCommit();
    const gated = this.#gated;
    this.#gated = [];
    for (const run of gated) run();
  }

  /** `atMs` by the true clock. An alarm that was set anew meanwhile rings by its own time. */
  #ringAt(atMs: number, expected: number | undefined): void {
    const { world } = this.#parts;
    world.clock.after(atMs - world.nowMs + world.between(0, ALARM_LATE_MS_MAX), () => {
      if (this.#alarmAtMs !== expected) return;
      // one handler at a time; and while the edge is away there is nobody to call
      if (this.#alarmRunning || !this.#parts.isUp()) return this.#ringAt(world.nowMs + ALARM_AGAIN_MS, expected);
      this.#alarmAtMs = undefined;
      this.#alarmOwed = false;
      this.#alarmRunning = true;
      const life = this.#wake();
      life.alarmKnown = true;
      const ended = life.room.alarm().finally(() => {
        if (life.machine.alive) this.#alarmRunning = false;
      });
      world.background(`${life.machine.name} alarm`, ended, () => life.machine.alive);
    });
  }

  #ports(life: Omit<Life, 'room'>): RoomPorts {
    const { world, network, server } = this.#parts;
    const { machine } = life;
    const uplink = new SimulatedUplink(machine, network, server, { crash: 'session-crash' });
    const isAlive = (): boolean => machine.alive;
    const demandAlive = (): void => {
      if (!machine.alive) throw new Error('this process is dead');
    };
    const gated = async (): Promise<void> => await new Promise((resolve) => this.gate(() => machine.hand(resolve)));
    const sql = {
      exec: (query: string, ...bindings: never[]) => {
        demandAlive();
        const cursor = this.storage.sql.exec(query, ...bindings);
        this.#touched();
        return cursor;
      },
      databaseSize: 0,
    };
    const ports: Omit<RoomPorts, 'sql'> = {
      transaction: (section) => {
        demandAlive();
        const result = this.storage.transactionSync(section);
        this.#touched();
        return result;
      },
      synced: gated,
      nextTurn: async () => await new Promise((resolve) => void machine.after(0, resolve)),
      delay: async (ms) => await new Promise((resolve) => void machine.after(ms, resolve)),
      setAlarm: (atMs) => {
        if (!machine.alive) return;
        this.#nextAlarmAtMs = atMs;
        this.#touched();
      },
      createElsewhere: async () => await Promise.resolve({ ok: false, refusal: refusal('unavailable', 'not simulated') }),
      background: (work) => {
        life.busy += 1;
        world.background(machine.name, work, isAlive);
        work.then(
          () => (life.busy -= 1),
          () => (life.busy -= 1),
        );
      },
      sockets: () => [...this.sockets],
      publisher: {
        publish: async (items) => {
          await gated();
          return await uplink.publish(items);
        },
        request: async (subject, payload) => {
          await gated();
          return await uplink.request(subject, payload);
        },
        signal: async () => await uplink.signal(),
      },
      tellInbox: async () => await new Promise((resolve) => void machine.after(network.latencyMs(), resolve)),
      nowMs: () => machine.now(),
      random: () => world.random(),
      newId: () => world.newId(),
      digest: (text) => createHash('sha256').update(text).digest('hex'),
      log: (level, message, fields) =>
        world.said(machine.name, `${level} ${message}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`),
    };
    // the platform's type of it is not known outside of worker/
    return { ...ports, sql };
  }
}
