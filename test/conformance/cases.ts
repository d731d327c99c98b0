import { describe, expect, test, type TestContext } from 'vitest';
import { passThrough, type DoorName, type Outcome } from './doors.ts';
import { ask } from './http.ts';
import type { CommandName, Data } from './routes.ts';
import { Scene, type RoleName, type World } from './scene.ts';
import { commandStatus, problemStatus, type EventType, type ProblemCode, type Result } from './schemas.ts';
import { hasNats } from './target.ts';

/** One row of the table that goes through every door with the same outcome. */
export interface Case {
  command: CommandName;
  title: string;
  /** 'owner' by default */
  as?: RoleName;
  visibility?: 'private' | 'public';
  /** brings the scene to where it should be, and says the command's data */
  given?: (scene: Scene) => Promise<Data> | Data;
  /** another session than the scene's */
  session?: (scene: Scene) => string;
  /** an event of this type; `quiet`: a change without an event; `unchanged`; or the code of a refusal */
  expects: EventType | 'quiet' | 'unchanged' | ProblemCode;
  /** whose event it is, where it is not of who sent the command: a stream's message is of who started it */
  actor?: RoleName;
  /** parts of the event's data */
  data?: (scene: Scene, given: Data) => object;
  /** parts of the problem */
  problem?: object;
  entity?: (scene: Scene, given: Data) => unknown;
  after?: (scene: Scene, result: Result, given: Data) => Promise<void>;
}

export const DOORS: readonly DoorName[] = ['http', 'socket', 'nats'];

/** Which roles may, the others get what a stranger or a lesser member gets. */
export function rights(
  command: CommandName,
  may: readonly RoleName[],
  expects: Case['expects'],
  given: NonNullable<Case['given']> = () => ({}),
): Case[] {
  const inside: RoleName[] = ['owner', 'member', 'agent', 'viewer'];
  const outside: RoleName[] = ['former', 'stranger'];
  const at = (as: RoleName, visibility: 'private' | 'public', refused: ProblemCode): Case => {
    const allowed = may.includes(as);
    return { command, as, visibility, given, title: `as ${as} of a ${visibility} session`, expects: allowed ? expects : refused };
  };
  return [
    ...inside.map((as) => at(as, 'private', 'forbidden')),
    ...outside.map((as) => at(as, 'private', 'session_not_found')),
    ...outside.map((as) => at(as, 'public', 'forbidden')),
  ];
}

/** What an archived and a deleted session answer to it. */
export function ended(
  command: CommandName,
  archived: Case['expects'],
  given: NonNullable<Case['given']> = () => ({}),
  as: RoleName = 'owner',
): Case[] {
  const after = (last: CommandName) => async (scene: Scene) => {
    const data = await given(scene);
    await scene.act('owner', last);
    return data;
  };
  return [
    { command, as, title: 'in an archived session', given: after('session.archive'), expects: archived },
    { command, as, title: 'in a deleted session', given: after('session.delete'), expects: 'session_not_found' },
    {
      command,
      as,
      title: 'in a session that never was',
      given,
      session: () => crypto.randomUUID(),
      expects: 'session_not_found',
    },
  ];
}

function isRefusal(expects: Case['expects']): expects is ProblemCode {
  return expects in problemStatus;
}

function sessionOf(scene: Scene, row: Case, data: Data): string {
  if (row.command === 'session.create' && typeof data['id'] === 'string') return data['id'];
  return row.session?.(scene) ?? scene.sessionId;
}

async function expectRefused(outcome: Outcome, row: Case): Promise<void> {
  expect(outcome).toMatchObject({ kind: 'refused', problem: { code: row.expects, ...row.problem } });
}

/** The event that the answer speaks of is in the log as it says, and the status knows the command. */
async function expectEvent(scene: Scene, row: Case, given: Data, result: Result): Promise<void> {
  const owner = scene.people.owner;
  const path = `/v1/sessions/${result.sessionId}`;
  const { body } = await ask(scene.target.url, 'GET', `${path}/events?after=${result.seq - 1}&limit=1`, { token: owner.token });
  expect(body).toMatchObject({
    items: [
      {
        id: result.eventId,
        seq: result.seq,
        type: row.expects,
        subject: result.entityId,
        causationid: result.commandId,
        correlationid: result.correlationId,
        actor: scene.id(row.actor ?? row.as ?? 'owner'),
        ...(row.data === undefined ? {} : { data: row.data(scene, given) }),
      },
    ],
  });
}

async function expectTaken(scene: Scene, row: Case, given: Data, outcome: Outcome): Promise<Result> {
  if (outcome.kind === 'refused') throw new Error(`refused: ${JSON.stringify(outcome.problem)}`);
  const { result } = outcome;
  expect(result.sessionId).toBe(sessionOf(scene, row, given));
  expect(result.unchanged).toBe(row.expects === 'unchanged' ? true : undefined);
  if (row.expects === 'unchanged' || row.expects === 'quiet') {
    expect(result.eventId).toBeNull();
    return result;
  }
  expect(result.eventId).not.toBeNull();
  const { token } = scene.people.owner;
  const { status, body } = await ask(scene.target.url, 'GET', `/v1/sessions/${result.sessionId}/commands/${result.commandId}`, {
    token,
  });
  expect(status, JSON.stringify(body)).toBe(200);
  const { commandId, eventId, seq, acceptedAt } = result;
  expect(commandStatus.parse(body)).toMatchObject({ commandId, eventId, seq, acceptedAt, type: row.command });
  if (row.expects !== 'session.deleted') await expectEvent(scene, row, given, result);
  return result;
}

async function runCase(onTestFinished: TestContext['onTestFinished'], world: World, door: DoorName, row: Case): Promise<void> {
  const scene = await Scene.make(world, row.visibility, row.as === 'former', await world.crowds.next(world.target));
  onTestFinished(() => scene.end());
  const data = (await row.given?.(scene)) ?? {};
  const before = await scene.head();
  const act = { as: scene.people[row.as ?? 'owner'], sessionId: sessionOf(scene, row, data), command: row.command, data };
  const outcome = await passThrough(door, world, act);
  if (isRefusal(row.expects)) {
    await expectRefused(outcome, row);
    expect(await scene.head()).toBe(before);
    return;
  }
  const result = await expectTaken(scene, row, data, outcome);
  if (row.entity) expect(result.entityId).toBe(row.entity(scene, data));
  const isSilent = row.expects === 'quiet' || row.expects === 'unchanged';
  if (isSilent) expect([result.seq, await scene.head()]).toEqual([before, before]);
  await row.after?.(scene, result, data);
}

/** Every row through every door. */
export function doorSuite(world: World, rows: readonly Case[]): void {
  for (const door of DOORS) {
    describe(`by ${door}`, () => {
      for (const row of rows) {
        test.skipIf(door === 'nats' && !hasNats())(`${row.command} ${row.title}: ${row.expects}`, ({ onTestFinished }) =>
          runCase(onTestFinished, world, door, row),
        );
      }
    });
  }
}
