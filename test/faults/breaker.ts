import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { EVENTS_STREAM, eventSubject } from '../../shared/contract/subjects.ts';
import { until } from '../support/stack.ts';
import type { Ledger } from './ledger.ts';
import { isLarge, type LinkName, nameOf, type Planned } from './plan.ts';
import type { BreakableSystem } from './system.ts';

/** JetStream API errors: what is to be deleted is gone already, by an earlier fault */
const GONE = new Set([10_014, 10_059]);
const BACK_MS_MAX = 60_000;
/** in the server's store, beside the state of its durables */
const MESSAGES_OF_EVENTS = join('jetstream', '$G', 'streams', EVENTS_STREAM, 'msgs');
const ADMIN_MS_MAX = 5_000;
const AGAIN_MS = 250;
const NOTICED_MS_MAX = 30_000;
/** what nats-server says of a write that failed */
const NO_ROOM = /no space left on device/i;

/** Does to a system what a plan says, and mends it again. */
export class Breaker {
  readonly #system: BreakableSystem;
  readonly #ledger: Ledger;
  readonly #say: (line: string) => void;
  /** what is broken now, by target */
  readonly #broken = new Map<string, Promise<void>>();
  readonly counts = new Map<string, number>();

  constructor(system: BreakableSystem, ledger: Ledger, say: (line: string) => void) {
    this.#system = system;
    this.#ledger = ledger;
    this.#say = say;
  }

  /** Begins each fault at its time, or as soon as what it concerns is whole again. Resolves when all are mended. */
  async run(plan: readonly Planned[], calledOff: AbortSignal): Promise<void> {
    const startedMs = Date.now();
    for (const planned of plan) {
      const waitMs = startedMs + planned.atMs - Date.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: calledOff }).catch(() => undefined);
      if (calledOff.aborted) break;
      if (isLarge(planned.kind)) await this.#allMended();
      else await this.#broken.get(planned.target);
      const work = this.#one(planned).finally(() => this.#broken.delete(planned.target));
      this.#broken.set(planned.target, work);
      if (isLarge(planned.kind)) await work;
    }
    await this.#allMended();
    // whoever still waits on a connection that swallowed something learns of it, as from a router that comes back
    for (const link of this.#system.links.values()) link.cut();
  }

  async #allMended(): Promise<void> {
    await Promise.all(this.#broken.values());
  }

  /** Never rejects: what could not be broken is written down, and counts as no fault. */
  async #one(planned: Planned): Promise<void> {
    const name = nameOf(planned);
    this.#ledger.write({ kind: 'fault', name, step: 'begins' });
    try {
      await this.#break(planned);
      this.#ledger.write({ kind: 'fault', name, step: 'ends' });
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#ledger.write({ kind: 'fault', name, step: 'failed', why });
      this.#say(`${name} could not be done: ${why}`);
    }
  }

  async #break({ kind, target, forMs }: Planned): Promise<void> {
    switch (kind) {
      case 'kill':
        return await this.#kill(target);
      case 'pause':
        return await this.#pause(target, forMs);
      case 'cut':
        return this.#link(target).cut();
      case 'refuse':
      case 'hold':
      case 'swallow':
      case 'swallow-answers': {
        const link = this.#link(target);
        link.set(kind);
        await sleep(forMs);
        return link.set('pass');
      }
      case 'durable-deleted':
        return await this.#administer(async (manager) => void (await manager.consumers.delete(EVENTS_STREAM, target)));
      case 'stream-deleted':
        return await this.#untaken(forMs, async () => {
          await this.#administer(async (manager) => void (await manager.streams.delete(EVENTS_STREAM)));
        });
      case 'lost-tail':
        return await this.#loseTail('', async (lose) => await this.#untaken(forMs, lose));
      case 'torn-tail':
        return await this.#loseTail(MESSAGES_OF_EVENTS, async (lose) => {
          await sleep(forMs);
          await lose();
        });
      case 'poison':
        return await this.#poison();
      case 'full-disk':
        return await this.#fillDisk(forMs);
    }
  }

  #link(name: string): NonNullable<ReturnType<BreakableSystem['links']['get']>> {
    // plans are made of the names of links
    const link = this.#system.links.get(name as LinkName);
    if (link === undefined) throw new Error(`there is no way ${name} here`);
    return link;
  }

  async #kill(target: string): Promise<void> {
    if (target === 'cassandra') {
      await this.#system.cassandra?.kill();
      return await this.#system.cassandra?.start();
    }
    await this.#signal(target, 'SIGKILL');
  }

  async #pause(target: string, forMs: number): Promise<void> {
    const pid = await this.#signal(target, 'SIGSTOP');
    await sleep(forMs);
    goOn(pid);
  }

  /** One that was just killed is on its way back: waits for it. */
  async #signal(target: string, signal: NodeJS.Signals): Promise<number> {
    let signalled: number | undefined;
    const reaches = (): boolean => {
      const pid = target === 'cassandra' ? this.#system.cassandra?.pid : this.#system.stack.pids()[target];
      if (pid === undefined || !kill(pid, signal)) return false;
      signalled = pid;
      return true;
    };
    await until(`${target} runs`, reaches, BACK_MS_MAX);
    if (signalled === undefined) throw new Error(`${target} does not run`);
    return signalled;
  }

  async #administer(work: (manager: JetStreamManager) => Promise<void>): Promise<void> {
    await this.#connected(async (connection) => {
      try {
        await work(await jetstreamManager(connection, { timeout: ADMIN_MS_MAX }));
      } catch (error) {
        if (!(error instanceof JetStreamApiError && GONE.has(error.code))) throw error;
      }
    });
  }

  /** Again while the server is on its way back from an earlier fault. */
  async #connected(work: (connection: NatsConnection) => Promise<void>): Promise<void> {
    const untilMs = Date.now() + BACK_MS_MAX;
    for (;;) {
      try {
        const connection = await connect({ servers: this.#system.stack.nats, timeout: ADMIN_MS_MAX, reconnect: false });
        try {
          return await work(connection);
        } finally {
          await connection.close();
        }
      } catch (error) {
        if (Date.now() > untilMs) throw error;
        await sleep(AGAIN_MS);
      }
    }
  }

  /** Does it while the consumers stand still and have not taken what was published for a while. */
  async #untaken(forMs: number, work: () => Promise<void>): Promise<void> {
    const pid = await this.#signal('consumers', 'SIGSTOP');
    try {
      await sleep(forMs);
      await work();
    } finally {
      goOn(pid);
    }
  }

  /** A part of the store as it was before `meanwhile` comes back: what was acknowledged since is gone, and sequences are given again. */
  async #loseTail(part: string, meanwhile: (lose: () => Promise<void>) => Promise<void>): Promise<void> {
    const { stack } = this.#system;
    const store = join(stack.dataDir, 'nats', part);
    const copy = join(stack.dataDir, 'nats-older-copy');
    const copyOver = (from: string, to: string): void => {
      // the directory itself may be a mount
      mkdirSync(to, { recursive: true });
      for (const name of readdirSync(to)) rmSync(join(to, name), { recursive: true, force: true });
      cpSync(from, to, { recursive: true });
    };
    await stack.stop('nats');
    copyOver(store, copy);
    await stack.start('nats');
    await meanwhile(async () => {
      await stack.stop('nats');
      copyOver(copy, store);
      rmSync(copy, { recursive: true, force: true });
      await stack.start('nats');
    });
  }

  /** Among the others, and of a session that nobody has: no audit of those that there are needs to explain it. */
  async #poison(): Promise<void> {
    const payload = `{"poison": "${randomUUID()}"`;
    this.#ledger.write({ kind: 'poison', payload });
    await this.#connected(async (connection) => {
      await jetstream(connection).publish(eventSubject('default', 'message.created', 'poisoned'), payload, {
        timeout: ADMIN_MS_MAX,
      });
    });
  }

  async #fillDisk(forMs: number): Promise<void> {
    const { stack, disk } = this.#system;
    if (disk === undefined) throw new Error('there is no small disk');
    const complaint = (): string | undefined => stack.logs('nats').findLast((line) => NO_ROOM.test(line));
    const before = complaint();
    disk.fill();
    try {
      // under load it must have noticed: else the disk was not full, and nothing was tried
      await until('JetStream finds no room', () => complaint() !== before, NOTICED_MS_MAX);
      await sleep(forMs);
    } finally {
      disk.free();
    }
    await stack.stop('nats');
    await stack.start('nats');
  }
}

/** False when the process is gone. */
function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

/** It may have been killed while it stood still: then another one runs. */
function goOn(pid: number): void {
  kill(pid, 'SIGCONT');
}
