import { expect } from 'vitest';
import type { ErrorCode } from '../../../shared/core/codes.ts';
import type { CommandName } from '../../../shared/core/types.ts';
import { as, EdgeSession, type Claims, type Frame, type Init, type Problem } from '../edge.ts';
import type { TestSocket } from '../support.ts';

export type Place = 'private' | 'public' | 'archived' | 'deleted';

/** One row: who asks for what, and how it is refused. */
export interface Refusal {
  name: string;
  /** alice unless said otherwise */
  who?: string | Claims;
  /** the private session unless said otherwise */
  in?: Place;
  command: string;
  data: unknown;
  status: number;
  code: ErrorCode;
}

/** Who may not open a socket of their own: a service speaks for them. */
const OUTSIDERS: readonly unknown[] = ['sam', 'fred'];

/** The sessions that a file of refusals is about, and a neighbour that must notice none of it. */
export class Arena {
  readonly #places = new Map<Place, { session: EdgeSession; before: string }>();
  readonly #sockets = new Map<string, TestSocket>();
  readonly #neighbour: EdgeSession;

  private constructor(neighbour: EdgeSession) {
    this.#neighbour = neighbour;
  }

  /** `prepare`: what there is besides in each session, before it is archived or deleted. */
  static async make(places: readonly Place[] = ['private'], prepare?: (session: EdgeSession) => Promise<void>): Promise<Arena> {
    const arena = new Arena(await EdgeSession.make());
    for (const place of places) {
      const session = await EdgeSession.make(place === 'public' ? 'public' : 'private');
      await prepare?.(session);
      if (place === 'archived') await session.must('alice', 'session.archive', {});
      if (place === 'deleted') await session.must('alice', 'session.delete', {});
      arena.#places.set(place, { session, before: await session.snapshot() });
    }
    return arena;
  }

  at(place: Place = 'private'): EdgeSession {
    return this.#of(place).session;
  }

  /** Through HTTP: one clear problem, nothing changed, neighbours unaffected. */
  async byHttp(row: Refusal, init: Init = {}): Promise<void> {
    const session = this.at(row.in);
    const answer = await session.http(row.who ?? 'alice', row.command as CommandName, row.data as Record<string, unknown>, init);
    await expectProblem(answer, row);
    await this.unchanged(row.in);
  }

  /** The same through a socket: a `reject` that leaves the socket open. */
  async bySocket(row: Refusal, more: object = {}): Promise<void> {
    const session = this.at(row.in);
    const who = row.who ?? 'alice';
    const outside = OUTSIDERS.includes(who);
    const socket = await this.socket(outside ? { sub: 'svc', scope: 'service' } : who, row.in);
    const answer = await session.frame(socket, row.command, row.data, { ...more, ...(outside ? { actor: who } : {}) });
    expectReject(answer, row, socket);
    await this.unchanged(row.in);
  }

  async socket(who: string | Claims, place: Place = 'private'): Promise<TestSocket> {
    const key = JSON.stringify([who, place]);
    const open = this.#sockets.get(key);
    if (open !== undefined && open.closed === undefined) return open;
    const socket = await this.at(place).connect(who);
    this.#sockets.set(key, socket);
    return socket;
  }

  async unchanged(place: Place = 'private'): Promise<void> {
    const { session, before } = this.#of(place);
    expectSame(await session.snapshot(), before);
    await this.#neighbour.must('bob', 'message.send', { text: 'unaffected' });
  }

  #of(place: Place) {
    const found = this.#places.get(place);
    if (found === undefined) throw new Error(`the arena has no ${place} session`);
    return found;
  }
}

/** Any request that must be refused, for what is no command of a session. */
export async function refused(who: string | Claims, method: string, path: string, expected: Expected, init: Init = {}) {
  return expectProblem(await as(who, method, path, undefined, init), expected);
}

export interface Expected {
  status: number;
  code: ErrorCode;
}

export async function expectProblem(answer: Response, expected: Expected): Promise<Problem> {
  const text = await answer.text();
  expect({ status: answer.status, type: answer.headers.get('Content-Type') }, text).toEqual({
    status: expected.status,
    type: 'application/problem+json',
  });
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({ status: expected.status, code: expected.code });
  expect(problem.correlationId).toBe(answer.headers.get('X-Correlation-Id'));
  wellFormed(problem);
  return problem;
}

function expectReject(answer: Frame, expected: Expected, socket: TestSocket): void {
  expect(answer).toMatchObject({ type: 'reject', error: { status: expected.status, code: expected.code } });
  wellFormed(answer.error as Problem);
  expect(socket.closed).toBeUndefined();
}

function expectSame(now: string, before: string): void {
  expect(now).toBe(before);
}

/** RFC 9457 with the members of contract §6, and nothing that only we should know. */
function wellFormed(problem: Problem): void {
  const { type, title, detail, correlationId } = problem;
  for (const each of [type, title, detail, correlationId]) expect(each).toMatch(/./);
  expect(JSON.stringify(problem)).not.toMatch(/\bat \w+ \(|\.ts\b|sqlite|zod/i);
}
