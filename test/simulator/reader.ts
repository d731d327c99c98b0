import { SUBPROTOCOL, type ServerFrame } from '../../shared/contract/frames.ts';
import type { ErrorCode } from '../../shared/core/codes.ts';
import type { Actor, Event } from '../../shared/core/types.ts';
import type { Executed, SessionIdentity } from '../../worker/session/api.ts';
import { events as eventsPage } from '../../worker/session/queries.ts';
import { readEvents } from '../../worker/queries/events.ts';
import type { Entry } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { PersonParts } from './person.ts';
import { EdgeSocket } from './sockets.ts';
import { storeBehind } from './worker-store.ts';

const CALL_MS_MAX = 8_000;
const COMMAND_MS_MAX = 6_000;
const BACK_MS_MIN = 100;
const BACK_MS_MAX = 5_000;
const STAY_MS_MAX = 240_000;
const PAGE_EVENTS = 40;
const RECEIVED_EVERY_EVENTS = 50;
/** a token that outlives the simulation */
const TOKEN_EXPIRES_AT_MS = Date.UTC(2100, 0, 1);

type Answer = { ok: true; value: Pick<Executed, 'accepted'> } | { ok: false; code: ErrorCode };

/**
 * Somebody's socket: comes back with its cursor whenever it is cut, catches up over HTTP where it was told that its cursor is too
 * old, and says of everything that it is handed whether it follows on what came before (P4).
 */
export class Reader {
  readonly #parts: PersonParts;
  readonly #machine: Machine;
  readonly #identity: SessionIdentity;
  readonly #actor: Actor;
  readonly #waiting = new Map<string, (answer: Answer | undefined) => void>();
  #socket: EdgeSocket | undefined;
  /** asked for, and not yet answered; what it brings meanwhile waits in `early` */
  #opening: EdgeSocket | undefined;
  readonly #early: { socket: EdgeSocket; text: string }[] = [];
  #live = false;
  #cursor: number | undefined;
  #epoch: string | undefined;
  #unacked = 0;
  #catching = false;

  constructor(parts: PersonParts, machine: Machine, sessionId: string, actor: Actor) {
    this.#parts = parts;
    this.#machine = machine;
    this.#identity = { tenant: 'default', sessionId };
    this.#actor = actor;
  }

  get isLive(): boolean {
    return this.#live;
  }

  get cursor(): number | undefined {
    return this.#catching ? undefined : this.#cursor;
  }

  open(): void {
    const { world, network, edge, checker } = this.#parts;
    // nobody gets in any more
    if (checker.isDeleted(this.#identity.sessionId)) return;
    // some begin at the first event, some with what comes from now on
    if (this.#cursor === undefined && world.chance(0.7)) this.#cursor = 0;
    const request = {
      protocols: [SUBPROTOCOL],
      caller: { actor: this.#actor, tokenExpiresAtMs: TOKEN_EXPIRES_AT_MS },
      ...(this.#cursor === undefined ? {} : { after: this.#cursor }),
      ...(this.#epoch === undefined ? {} : { epoch: this.#epoch }),
    };
    const call = { from: this.#machine, to: 'edge', what: 'upgrade', timeoutMs: CALL_MS_MAX };
    const answered = network.call(call, () => {
      const object = edge.object(this.#identity.sessionId);
      const client = {
        machine: this.#machine,
        frame: (text: string) => this.#frame(socket, text),
        closed: () => this.#closed(socket),
      };
      const socket = new EdgeSocket(world, network, client, object);
      this.#opening = socket;
      if (!object.connect(socket, request)) return undefined;
      return socket;
    });
    answered.then(
      (socket) => {
        if (socket === undefined) this.#back();
        else this.#opened(socket);
      },
      () => this.#abandon(),
    );
  }

  /** Sends a command as a frame. Undefined: nobody knows. */
  async command(entry: Entry): Promise<Answer | undefined> {
    const socket = this.#socket;
    const { edge, world } = this.#parts;
    if (socket === undefined) return undefined;
    const id = `frame-${world.newId()}`;
    const { correlationId, key, name: command, data } = entry;
    const frame = { type: 'command', id, command, data, correlationId, ...(key === undefined ? {} : { idempotencyKey: key }) };
    return await new Promise((resolve) => {
      const cancel = this.#machine.after(COMMAND_MS_MAX, () => this.#waiting.get(id)?.(undefined));
      this.#waiting.set(id, (answer) => {
        cancel();
        this.#waiting.delete(id);
        resolve(answer);
      });
      socket.up(() => edge.objects.get(this.#identity.sessionId)?.frame(socket, JSON.stringify(frame)));
    });
  }

  #opened(socket: EdgeSocket): void {
    this.#socket = socket;
    this.#opening = undefined;
    for (const early of this.#early.splice(0)) if (early.socket === socket) this.#frame(socket, early.text);
    const { world } = this.#parts;
    this.#machine.after(world.between(1, STAY_MS_MAX), () => {
      if (this.#socket === socket && world.faults.raging) this.#cut(socket);
    });
  }

  /** No answer to the upgrade came; the edge may hold a socket all the same. */
  #abandon(): void {
    const socket = this.#opening;
    this.#opening = undefined;
    if (socket !== undefined) this.#leave(socket);
    this.#back();
  }

  #cut(socket: EdgeSocket): void {
    const { world } = this.#parts;
    world.faults.happened('socket-cut');
    this.#leave(socket);
  }

  /** The client's end is gone; the edge may learn of it late, or never. */
  #leave(socket: EdgeSocket): void {
    const { world, edge } = this.#parts;
    const closed = (): void => edge.objects.get(this.#identity.sessionId)?.closed(socket);
    if (world.chance(0.7)) world.clock.after(world.between(1, 5_000), closed);
    socket.dropped();
  }

  #closed(socket: EdgeSocket): void {
    if (this.#opening === socket) return;
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#live = false;
    for (const settle of this.#waiting.values()) settle(undefined);
    this.#back();
  }

  #back(): void {
    const { world } = this.#parts;
    this.#early.length = 0;
    this.#machine.after(world.between(BACK_MS_MIN, BACK_MS_MAX), () => {
      if (this.#socket === undefined) this.open();
    });
  }

  #frame(socket: EdgeSocket, text: string): void {
    if (this.#opening === socket) return void this.#early.push({ socket, text });
    if (this.#socket !== socket) return;
    const frame = JSON.parse(text) as ServerFrame;
    if (frame.type === 'welcome') this.#welcome(frame);
    else if (frame.type === 'events') this.#events(frame.events);
    else if (frame.type === 'ack') this.#waiting.get(frame.id)?.({ ok: true, value: { accepted: frame.result } });
    else if (frame.type === 'reject') this.#waiting.get(frame.id)?.({ ok: false, code: frame.error.code });
  }

  #welcome(frame: Extract<ServerFrame, { type: 'welcome' }>): void {
    const { checker } = this.#parts;
    this.#live = true;
    this.#epoch = frame.epoch;
    const asked = this.#cursor;
    if (asked === undefined) this.#cursor = frame.from - 1;
    else if (frame.recovered) {
      if (frame.from !== asked + 1)
        checker.broke('P4', `${this.#machine.name} asked for what follows ${asked} and is to get ${frame.from}`);
    } else {
      const upTo = frame.from - 1;
      if (upTo > asked) this.#catchUp(asked, upTo);
      else checker.broke('P4', `${this.#machine.name} is at ${asked}, and the edge says that ends at ${upTo}`);
      this.#cursor = upTo;
    }
  }

  #events(events: readonly Event[]): void {
    const { checker } = this.#parts;
    for (const event of events) {
      const expected = (this.#cursor ?? 0) + 1;
      if (event.seq !== expected) {
        return checker.broke(
          'P4',
          `${this.#machine.name} was handed seq ${event.seq} after ${expected - 1}: a gap that nobody spoke of`,
        );
      }
      this.#cursor = event.seq;
      checker.saw(event, `a frame of ${this.#machine.name}`);
    }
    this.#unacked += events.length;
    if (this.#unacked >= RECEIVED_EVERY_EVENTS) this.#received();
  }

  #received(): void {
    const { edge } = this.#parts;
    this.#unacked = 0;
    const socket = this.#socket;
    const text = JSON.stringify({ type: 'received', seq: this.#cursor });
    socket?.up(() => edge.objects.get(this.#identity.sessionId)?.frame(socket, text));
  }

  /** Reads by HTTP what the socket does not bring any more. */
  #catchUp(after: number, upTo: number): void {
    const { world, checker } = this.#parts;
    if (checker.isDeleted(this.#identity.sessionId)) return;
    this.#catching = true;
    const failed = (): void =>
      void this.#machine.after(world.between(BACK_MS_MIN, BACK_MS_MAX), () => this.#catchUp(after, upTo));
    this.#page(after, upTo).then((reached) => {
      if (reached >= upTo) this.#catching = false;
      else this.#catchUp(reached, upTo);
    }, failed);
  }

  async #page(after: number, upTo: number): Promise<number> {
    const { network, edge, checker } = this.#parts;
    const call = { from: this.#machine, to: 'edge', what: 'catch up', timeoutMs: CALL_MS_MAX };
    const limit = Math.min(PAGE_EVENTS, upTo - after);
    const events = await network.call(call, async () => {
      const page = await edge.object(this.#identity.sessionId).read((room) => eventsPage(room, this.#actor, { after, limit }));
      if (!page.ok) throw new Error(page.refusal.code);
      return await readEvents(this.#identity, page.value, limit, storeBehind(edge.uplink));
    });
    let last = after;
    for (const event of events) {
      if (event.seq !== last + 1) checker.broke('P4', `${this.#machine.name} read seq ${event.seq} after ${last}`);
      last = event.seq;
      checker.saw(event, `a page read by ${this.#machine.name}`);
    }
    return last;
  }
}
