import { parseCommand } from '../../shared/contract/catalogue.ts';
import type { CommandStatus } from '../../shared/contract/answers.ts';
import { ERROR_CODES, type ErrorCode } from '../../shared/core/codes.ts';
import type { Actor } from '../../shared/core/types.ts';
import type { Executed, Result } from '../../worker/session/api.ts';
import { commandStatus, message } from '../../worker/session/queries.ts';
import type { Room } from '../../worker/session/room.ts';
import { traces } from '../../worker/session/trace-queries.ts';
import { readTraces } from '../../worker/queries/traces.ts';
import type { Checker } from './checker.ts';
import { TENANT, type Edge } from './edge.ts';
import type { Entry, Ledger } from './ledger.ts';
import { Machine } from './machine.ts';
import type { Network } from './network.ts';
import { Reader } from './reader.ts';
import type { World } from './world.ts';
import { storeBehind } from './worker-store.ts';
import { nextCommand, type Scene } from './workload.ts';

const CALL_MS_MAX = 5_000;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 8_000;
/** between what somebody does; some people are slower than others, and a slow session sees more going wrong */
const PAUSE_MS_MIN = 2_000;
const PAUSE_MS_MAX = 25_000;
const BURST_MAX = 14;
/** more than the tail has of them */
const TRACES_LIMIT = 50;

export interface PersonParts {
  world: World;
  network: Network;
  edge: Edge;
  ledger: Ledger;
  checker: Checker;
}

/** Somebody in a session: sends commands by both doors until each is answered, reads its own writes, and holds a socket. */
export class Person {
  readonly machine: Machine;
  readonly reader: Reader;
  readonly sessionId: string;
  readonly actor: Actor;
  readonly #parts: PersonParts;
  readonly #scene: Scene;
  readonly #isOwner: boolean;
  readonly #pauseMs: number;
  #acting = true;

  constructor(parts: PersonParts, sessionId: string, userId: string, scene: Scene, isOwner: boolean) {
    this.#parts = parts;
    this.sessionId = sessionId;
    this.actor = { id: userId, kind: 'user' };
    this.#scene = scene;
    this.#isOwner = isOwner;
    this.#pauseMs = parts.world.between(PAUSE_MS_MIN, PAUSE_MS_MAX);
    this.machine = new Machine(parts.world, `client-${userId}`, `${userId}@${sessionId}`, 0);
    this.reader = new Reader(parts, this.machine, sessionId, this.actor);
  }

  start(): void {
    const { world } = this.#parts;
    this.machine.after(world.between(0, this.#pauseMs), () => this.reader.open());
    this.#again();
  }

  rest(): void {
    this.#acting = false;
  }

  /** Resolves once it was answered, however long that takes. */
  async create(title: string): Promise<void> {
    const members = ['ben', 'cleo'].map((userId) => ({ userId, role: 'member' }));
    await this.#settle(this.#entry('session.create', { id: this.sessionId, title, members }, true));
  }

  #again(): void {
    const { world } = this.#parts;
    this.machine.after(world.between(1, this.#pauseMs), () => {
      // some go on for a while, and are refused
      if (!this.#acting || (this.#scene.deleted && world.chance(0.3))) return;
      const burst = world.chance(0.35) ? world.between(2, BURST_MAX) : 1;
      for (let at = 0; at < burst; at += 1) this.#act();
      this.#again();
    });
  }

  #act(): void {
    const { world } = this.#parts;
    const { name, data } = nextCommand(world, this.#scene, this.actor.id, this.#isOwner);
    const entry = this.#entry(name, data, !world.chance(0.08));
    this.#settle(entry).then(
      () => this.#remember(entry),
      (error: unknown) => world.fail('a simulated client does not throw', String(error)),
    );
  }

  #entry(name: Entry['name'], data: object, withKey: boolean): Entry {
    const { world, ledger } = this.#parts;
    const entry: Entry = {
      sessionId: this.sessionId,
      userId: this.actor.id,
      name,
      data,
      attempts: 0,
      correlationId: `corr-${world.newId()}`,
      ...(withKey ? { key: `key-${world.newId()}` } : {}),
    };
    ledger.add(entry);
    return entry;
  }

  async #settle(entry: Entry): Promise<void> {
    const { world, ledger } = this.#parts;
    for (;;) {
      const result = await this.#once(entry);
      if (result === undefined) {
        if (entry.key === undefined) return ledger.settle(entry, { kind: 'unknown' });
      } else if (result.ok) {
        ledger.settle(entry, { kind: 'accepted', accepted: result.value.accepted });
        // whoever is not sure whether the answer was written down asks again
        if (entry.key !== undefined && world.chance(0.05)) await this.#askAgain(entry);
        return;
      } else if (!ERROR_CODES[result.code].retry) return ledger.settle(entry, { kind: 'refused', code: result.code });
      await this.#pause(world.between(RETRY_MS_MIN, RETRY_MS_MAX));
    }
  }

  async #askAgain(entry: Entry): Promise<void> {
    const again = await this.#once(entry);
    if (again === undefined) return;
    if (again.ok) this.#parts.ledger.settle(entry, { kind: 'accepted', accepted: again.value.accepted });
    else if (!ERROR_CODES[again.code].retry) this.#parts.ledger.settle(entry, { kind: 'refused', code: again.code });
  }

  /** One try by one of the doors. Undefined: no answer. */
  async #once(
    entry: Entry,
  ): Promise<{ ok: true; value: Pick<Executed, 'accepted'> } | { ok: false; code: ErrorCode } | undefined> {
    const { world, network, edge } = this.#parts;
    const { key } = entry;
    entry.attempts += 1;
    if (this.reader.isLive && world.chance(0.4)) return await this.reader.command(entry);
    const parsed = parseCommand(entry.name, entry.data);
    if (!parsed.ok) return { ok: false, code: parsed.refusal.code };
    const input = {
      command: parsed.value,
      actor: this.actor,
      correlationId: entry.correlationId,
      ...(key === undefined ? {} : { idempotencyKey: key }),
    };
    const call = {
      from: this.machine,
      to: 'edge',
      what: entry.name,
      timeoutMs: CALL_MS_MAX,
      lost: 'command-lost',
      answerLost: 'command-answer-lost',
      ...(key === undefined ? {} : { repeated: 'command-repeated' as const }),
    } as const;
    try {
      const result: Result<Executed> = await network.call(call, async () => await edge.object(this.sessionId).execute(input));
      return result.ok ? { ok: true, value: result.value } : { ok: false, code: result.refusal.code };
    } catch {
      return undefined;
    }
  }

  #remember(entry: Entry): void {
    const { world } = this.#parts;
    const { outcome } = entry;
    if (outcome?.kind !== 'accepted') return;
    const { entityId } = outcome.accepted;
    if (entry.name.startsWith('trace.') && world.chance(0.5)) this.#lookAtTraces();
    if (entry.name === 'message.send') {
      this.#scene.messages.push({ id: entityId, author: entry.userId });
      if (world.chance(0.3)) this.#look(entry, entityId);
    } else if (entry.name === 'message.delete') {
      this.#scene.messages = this.#scene.messages.filter(({ id }) => id !== entityId);
    } else if (entry.name === 'trace.start') this.#scene.traces.push(entityId);
    else if (entry.name === 'trace.purge') this.#scene.traces = this.#scene.traces.filter((id) => id !== entityId);
    else if (entry.name === 'stream.start') this.#scene.streams.push({ id: entityId, starter: entry.userId, chunks: 0 });
    else if (entry.name === 'stream.finish' || entry.name === 'stream.cancel') {
      this.#scene.streams = this.#scene.streams.filter(({ id }) => id !== entityId);
      this.#scene.messages.push({ id: entityId, author: entry.userId });
    } else if (entry.name === 'session.delete') this.#scene.deleted = true;
    else if (entry.name === 'session.archive') this.#scene.archived = true;
    else if (entry.name === 'session.restore') this.#scene.archived = false;
    if (outcome.accepted.eventId !== null && world.chance(0.3)) this.#watch(entry, outcome.accepted.commandId);
  }

  /** Own writes are seen at once (P5). */
  #look(entry: Entry, messageId: string): void {
    this.#ask('look', (room) => message(room, this.actor, messageId)).then(
      (found) => this.#parts.checker.read(entry, found),
      () => undefined,
    );
  }

  /** A page of traces, from the tail and from the archive, in the newest version that the edge knows. */
  #lookAtTraces(): void {
    const { network, edge, checker } = this.#parts;
    const identity = { tenant: TENANT, sessionId: this.sessionId };
    const call = { from: this.machine, to: 'edge', what: 'traces', timeoutMs: CALL_MS_MAX };
    const asked = network.call(call, async () => {
      const object = edge.object(this.sessionId);
      const { build } = object;
      const page = await object.read((room) => traces(room, this.actor, { limit: TRACES_LIMIT }));
      const items = page.ok ? await readTraces(identity, page.value, storeBehind(edge.uplink), build.versions.raise) : [];
      return { items, build };
    });
    asked.then(
      ({ items, build }) => checker.traces(this.sessionId, items, build),
      () => undefined,
    );
  }

  #watch(entry: Entry, commandId: string): void {
    const { world, checker } = this.#parts;
    const look = (): void => {
      const askedMs = this.machine.now();
      this.#ask('status', (room) => commandStatus(room, this.actor, commandId)).then(
        (status: Result<CommandStatus>) => checker.status(entry, status, { askedMs, heardMs: this.machine.now() }),
        () => undefined,
      );
    };
    for (const ms of [world.between(10, 2_000), world.between(2_000, 60_000), world.between(60_000, 400_000)])
      this.machine.after(ms, look);
  }

  async #ask<T>(what: string, question: (room: Room) => T): Promise<T> {
    const { network, edge } = this.#parts;
    const call = { from: this.machine, to: 'edge', what, timeoutMs: CALL_MS_MAX };
    return await network.call(call, async () => await edge.object(this.sessionId).read(question));
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => void this.machine.after(ms, resolve));
  }
}
