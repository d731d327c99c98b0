import { expect } from 'vitest';
import type { z } from 'zod';
import { passThrough, type Doors } from './doors.ts';
import { ask } from './http.ts';
import { person, type Claims, type Person } from './people.ts';
import { pathOf, type CommandName, type Data } from './routes.ts';
import { event, eventPage, session, type Result, type WireEvent } from './schemas.ts';
import { openSocket, type Connection, type SocketOptions } from './socket.ts';
import type { Target } from './target.ts';

/** Opened once for a run of the suite, and read by the tests inside of it. */
export interface World extends Doors {
  target: Target;
  crowds: Crowds;
}

/** `other` is a second member, `agent` a member of kind agent, `former` was a member once, `stranger` never. */
export const ROLES = ['owner', 'member', 'other', 'agent', 'viewer', 'former', 'stranger'] as const;
export type RoleName = (typeof ROLES)[number];

const CLAIMS: Partial<Record<RoleName, Claims>> = {
  owner: { name: 'Olivia Owner' },
  agent: { kind: 'agent', name: 'An agent' },
};

export type People = Readonly<Record<RoleName, Person>>;

async function newPeople(target: Target): Promise<People> {
  const entries = ROLES.map(async (role) => [role, await person(target, role, CLAIMS[role] ?? {})] as const);
  return Object.fromEntries(await Promise.all(entries)) as Record<RoleName, Person>;
}

const CROWDS = 16;

/**
 * People for tests that look at one session and at nobody's lists: some few sets, taken in turn. Everybody new costs the system an
 * inbox, and a thousand sessions of seven new people each would measure those.
 */
export class Crowds {
  readonly #crowds: Promise<People>[] = [];
  #taken = 0;

  next(target: Target): Promise<People> {
    const at = this.#taken % CROWDS;
    this.#taken += 1;
    this.#crowds[at] ??= newPeople(target);
    return this.#crowds[at];
  }
}

/** A session of its own with one person for each role. Whatever it asks for must succeed. */
export class Scene {
  readonly target: Target;
  readonly people: People;
  readonly sessionId: string;
  readonly #doors: Doors;
  readonly #sockets: Connection[] = [];

  private constructor(doors: Doors, people: People, sessionId: string) {
    this.#doors = doors;
    this.target = doors.target;
    this.people = people;
    this.sessionId = sessionId;
  }

  static async make(
    doors: Doors,
    visibility: 'private' | 'public' = 'private',
    withFormer = false,
    people?: People,
  ): Promise<Scene> {
    return Scene.#of(doors, people ?? (await newPeople(doors.target)), visibility, withFormer);
  }

  static async #of(doors: Doors, people: People, visibility: 'private' | 'public', withFormer: boolean): Promise<Scene> {
    const scene = new Scene(doors, people, crypto.randomUUID());
    const members = (['member', 'other', 'agent', 'viewer', ...(withFormer ? (['former'] as const) : [])] as const).map(
      (role) => ({
        userId: people[role].id,
        role: role === 'viewer' ? 'viewer' : 'member',
      }),
    );
    await scene.act('owner', 'session.create', { id: scene.sessionId, title: 'A scene', visibility, members });
    if (withFormer) await scene.act('owner', 'member.remove', { userId: people.former.id });
    return scene;
  }

  get path(): string {
    return pathOf(this.sessionId);
  }

  id(role: RoleName): string {
    return this.people[role].id;
  }

  /** A command over HTTP that must be taken. */
  async act(as: RoleName | Person, command: CommandName, data: Data = {}, key?: string): Promise<Result> {
    const who = typeof as === 'string' ? this.people[as] : as;
    const act = { as: who, sessionId: this.sessionId, command, data, ...(key === undefined ? {} : { key }) };
    const outcome = await passThrough('http', this.#doors, act);
    if (outcome.kind === 'refused') throw new Error(`${command} as ${who.id}: ${JSON.stringify(outcome.problem)}`);
    return outcome.result;
  }

  /** Sends a message and returns its id. */
  async message(as: RoleName = 'member', more: Data = {}): Promise<string> {
    return (await this.act(as, 'message.send', { text: 'a text', ...more })).entityId;
  }

  async stream(as: RoleName = 'agent', more: Data = {}): Promise<string> {
    return (await this.act(as, 'stream.start', more)).entityId;
  }

  async trace(as: RoleName = 'agent', more: Data = {}): Promise<string> {
    return (await this.act(as, 'trace.start', { name: 'a trace', ...more })).entityId;
  }

  /** GET below the session that must be 200 and of this shape. */
  async read<Shape extends z.ZodType>(as: RoleName, path: string, shape: Shape): Promise<z.infer<Shape>> {
    const { status, body } = await ask(this.target.url, 'GET', this.path + path, { token: this.people[as].token });
    expectOk(path, status, body);
    return shape.parse(body);
  }

  /** undefined where the owner cannot read it: it is deleted */
  async head(): Promise<number | undefined> {
    const { status, body } = await ask(this.target.url, 'GET', this.path, { token: this.people.owner.token });
    return status === 200 ? session.parse(body).head : undefined;
  }

  async eventAt(seq: number): Promise<WireEvent> {
    const page = await this.read('owner', `/events?after=${seq - 1}&limit=1`, eventPage);
    return event.parse(page.items[0]);
  }

  async events(as: RoleName = 'owner'): Promise<WireEvent[]> {
    const page = await this.read(as, '/events?limit=1000', eventPage);
    expectGapFree(page.items, page.head);
    return page.items;
  }

  async socket(as: RoleName, options: SocketOptions = {}): Promise<Connection> {
    const socket = await openSocket(this.target, this.people[as], this.sessionId, options);
    this.#sockets.push(socket);
    return socket;
  }

  /** Closes its sockets, and says what came on them that is not of the contract. */
  async end(): Promise<void> {
    for (const socket of this.#sockets.splice(0)) {
      expectNoFaults(socket);
      if (socket.closeCode === undefined) await socket.close();
    }
  }
}

function expectOk(path: string, status: number, body: unknown): void {
  expect(status, `GET ${path}: ${JSON.stringify(body)}`).toBe(200);
}

/** From the first to the head, one by one. */
export function expectGapFree(events: readonly WireEvent[], head: number): void {
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: head }, (_, at) => at + 1));
}

function expectNoFaults(socket: Connection): void {
  expect(socket.faults).toEqual([]);
}
