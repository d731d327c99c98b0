import { describe, expect, test, type TestContext } from 'vitest';
import { DOORS } from '../cases.ts';
import { passThrough, type Act, type DoorName, type Outcome } from '../doors.ts';
import { ask } from '../http.ts';
import { COMMANDS, type CommandName, type Data } from '../routes.ts';
import { result } from '../schemas.ts';
import { Scene, type RoleName, type World } from '../scene.ts';
import { openSocket } from '../socket.ts';
import { hasNats } from '../target.ts';

interface Retried {
  as: RoleName;
  data: Data;
  /** another body under the same key; none where the command takes no more than its path */
  other?: Data;
}

const span = { spanId: 'span-1', name: 'n', startedAt: '2026-01-02T03:04:05.678Z' };

/** One change by each command, and another that differs in its data alone. */
const CHANGES: Record<CommandName, (scene: Scene) => Promise<Retried> | Retried> = {
  'session.create': () => {
    const id = crypto.randomUUID();
    return { as: 'owner', data: { id, title: 'One' }, other: { id, title: 'Two' } };
  },
  'session.update': () => ({ as: 'owner', data: { title: 'One' }, other: { title: 'Two' } }),
  'session.archive': () => ({ as: 'owner', data: {} }),
  'session.restore': async (scene) => {
    await scene.act('owner', 'session.archive');
    return { as: 'owner', data: {} };
  },
  'session.delete': () => ({ as: 'owner', data: {} }),
  'member.put': (scene) => {
    const userId = scene.id('stranger');
    return { as: 'owner', data: { userId, role: 'member' }, other: { userId, role: 'viewer' } };
  },
  'member.remove': (scene) => ({ as: 'owner', data: { userId: scene.id('member') }, other: { userId: scene.id('viewer') } }),
  'message.send': () => ({ as: 'member', data: { text: 'one' }, other: { text: 'two' } }),
  'message.edit': async (scene) => {
    const messageId = await scene.message('member');
    return { as: 'member', data: { messageId, text: 'one' }, other: { messageId, text: 'two' } };
  },
  'message.delete': async (scene) => ({
    as: 'member',
    data: { messageId: await scene.message('member') },
    other: { messageId: await scene.message('member') },
  }),
  'reaction.add': async (scene) => {
    const messageId = await scene.message('member');
    return { as: 'member', data: { messageId, emoji: '👍' }, other: { messageId, emoji: '👎' } };
  },
  'reaction.remove': async (scene) => {
    const messageId = await scene.message('member');
    await scene.act('member', 'reaction.add', { messageId, emoji: '👍' });
    return { as: 'member', data: { messageId, emoji: '👍' }, other: { messageId, emoji: '👎' } };
  },
  'read.advance': async (scene) => {
    await scene.message('other');
    return { as: 'viewer', data: { seq: 2 }, other: { seq: 1 } };
  },
  'stream.start': () => ({ as: 'agent', data: { role: 'assistant' }, other: { role: 'tool' } }),
  'stream.append': async (scene) => {
    const messageId = await scene.stream('agent');
    return { as: 'agent', data: { messageId, index: 0, text: 'one' }, other: { messageId, index: 0, text: 'two' } };
  },
  'stream.finish': async (scene) => {
    const messageId = await scene.stream('agent');
    return {
      as: 'agent',
      data: { messageId, status: 'completed', text: 'x' },
      other: { messageId, status: 'failed', text: 'x' },
    };
  },
  'stream.cancel': async (scene) => {
    const messageId = await scene.stream('agent');
    return { as: 'agent', data: { messageId }, other: { messageId, reason: 'another' } };
  },
  'trace.start': () => ({ as: 'agent', data: { name: 'one' }, other: { name: 'two' } }),
  'trace.append': async (scene) => {
    const traceId = await scene.trace('agent');
    return { as: 'agent', data: { traceId, ...span }, other: { traceId, ...span, name: 'another' } };
  },
  'trace.finish': async (scene) => {
    const traceId = await scene.trace('agent');
    return { as: 'agent', data: { traceId, status: 'completed' }, other: { traceId, status: 'failed' } };
  },
  'trace.purge': async (scene) => ({
    as: 'owner',
    data: { traceId: await scene.trace() },
    other: { traceId: await scene.trace() },
  }),
};

function expectReplay(outcome: Outcome, first: Outcome): void {
  if (first.kind === 'refused') throw new Error(`refused: ${JSON.stringify(first.problem)}`);
  expect(outcome).toMatchObject({ kind: 'taken', result: first.result });
  // over NATS nothing says that it is a replay but the body
  if (outcome.kind === 'taken') expect(outcome.replayed ?? true).toBe(true);
}

/** The same key by this door and then by all, then another body under it. */
async function retryFrom(
  onTestFinished: TestContext['onTestFinished'],
  world: World,
  door: DoorName,
  command: CommandName,
): Promise<void> {
  const scene = await Scene.make(world, 'private', false, await world.crowds.next(world.target));
  onTestFinished(() => scene.end());
  const { as, data, other } = await CHANGES[command](scene);
  const sessionId = command === 'session.create' ? String(data['id']) : scene.sessionId;
  const act: Act = { as: scene.people[as], sessionId, command, data, key: `key-${crypto.randomUUID()}` };
  const first = await passThrough(door, world, act);
  const head = await scene.head();
  // nobody opens the socket of a deleted session
  const again = DOORS.filter((each) => (each !== 'nats' || hasNats()) && !(each === 'socket' && command === 'session.delete'));
  for (const each of again) expectReplay(await passThrough(each, world, act), first);
  for (const each of again) {
    const another: Act =
      other === undefined
        ? { ...act, command: command === 'session.update' ? 'session.delete' : 'session.update', data: { title: 'Another' } }
        : { ...act, data: other };
    const outcome = await passThrough(each, world, another);
    expect(outcome).toMatchObject({ kind: 'refused', problem: { code: 'idempotency_key_reused', status: 422 } });
  }
  expect(await scene.head()).toBe(head);
}

export function retrySuite(world: World): void {
  describe('one key is one command', () => {
    for (const command of COMMANDS) {
      for (const door of DOORS) {
        test.skipIf(door === 'nats' && !hasNats())(`${command} by ${door}, then by all doors`, ({ onTestFinished }) =>
          retryFrom(onTestFinished, world, door, command),
        );
      }
    }
  });
  describe('keys', () => {
    stateTests(world);
    scopeTests(world);
  });
}

function stateTests(world: World): void {
  test('are looked up before the state: a retry in an archived session is replayed', async () => {
    const scene = await Scene.make(world);
    const first = await scene.act('member', 'message.send', { text: 'once' }, 'k');
    await scene.act('owner', 'session.archive');
    expect(await scene.act('member', 'message.send', { text: 'once' }, 'k')).toEqual(first);
  });

  test('are looked up before rights: a retry of who was removed is replayed', async () => {
    const scene = await Scene.make(world);
    const first = await scene.act('member', 'message.send', { text: 'once' }, 'k');
    await scene.act('owner', 'member.remove', { userId: scene.id('member') });
    expect(await scene.act('member', 'message.send', { text: 'once' }, 'k')).toEqual(first);
  });

  test('are not recorded with a refusal', async () => {
    const scene = await Scene.make(world);
    await scene.act('owner', 'session.archive');
    const act: Act = {
      as: scene.people.member,
      sessionId: scene.sessionId,
      command: 'message.send',
      data: { text: 'once' },
      key: 'k',
    };
    expect(await passThrough('http', world, act)).toMatchObject({ problem: { code: 'session_archived' } });
    await scene.act('owner', 'session.restore');
    expect(await passThrough('socket', world, act)).toMatchObject({ kind: 'taken', replayed: false });
  });

  test('keep an unchanged answer too', async () => {
    const scene = await Scene.make(world);
    const first = await scene.act('owner', 'session.restore', {}, 'k');
    expect(first.unchanged).toBe(true);
    await scene.message('member');
    expect(await scene.act('owner', 'session.restore', {}, 'k')).toEqual(first);
  });

  test('are looked up after the schema: what does not pass it is 400', async () => {
    const scene = await Scene.make(world);
    await scene.act('member', 'message.send', { text: 'once' }, 'k');
    const act: Act = {
      as: scene.people.member,
      sessionId: scene.sessionId,
      command: 'message.send',
      data: { text: 1 },
      key: 'k',
    };
    for (const door of ['http', 'socket'] as const)
      expect(await passThrough(door, world, act)).toMatchObject({ problem: { code: 'invalid_request' } });
  });
}

function scopeTests(world: World): void {
  test('belong to one user and one session', async () => {
    const scene = await Scene.make(world);
    const first = await scene.act('member', 'message.send', { text: 'once' }, 'k');
    expect((await scene.act('other', 'message.send', { text: 'once' }, 'k')).seq).toBe(first.seq + 1);
    const elsewhere = await Scene.make(world);
    const { token } = scene.people.member;
    await elsewhere.act('owner', 'member.put', { userId: scene.id('member'), role: 'member' });
    const { body } = await ask(world.target.url, 'POST', `${elsewhere.path}/messages`, {
      token,
      body: { text: 'once' },
      headers: { 'Idempotency-Key': 'k' },
    });
    expect(result.parse(body).sessionId).toBe(elsewhere.sessionId);
  });

  test('are the same in quotes and without', async () => {
    const scene = await Scene.make(world);
    const send = (key: string) =>
      ask(world.target.url, 'POST', `${scene.path}/messages`, {
        token: scene.people.member.token,
        body: { text: 'once' },
        headers: { 'Idempotency-Key': key },
      });
    const first = await send('"a key"');
    // a space is no visible character, in quotes or not
    expect([first.status, first.body]).toMatchObject([400, { code: 'invalid_request' }]);
    const quoted = await send('"a-key"');
    const bare = await send('a-key');
    expect([quoted.status, bare.status, bare.headers.get('Idempotent-Replayed')]).toEqual([202, 202, 'true']);
    expect(bare.body).toEqual(quoted.body);
    expect((await send('k'.repeat(128))).status).toBe(202);
    expect((await send('k'.repeat(129))).body).toMatchObject({ code: 'invalid_request' });
  });

  test('carry the first correlation id in the body, and this request’s in the header', async () => {
    const scene = await Scene.make(world);
    const send = (correlationId: string) =>
      ask(world.target.url, 'POST', `${scene.path}/messages`, {
        token: scene.people.member.token,
        body: { text: 'once' },
        headers: { 'Idempotency-Key': 'k', 'X-Correlation-Id': correlationId },
      });
    await send('first-id');
    const again = await send('second-id');
    expect(again.headers.get('X-Correlation-Id')).toBe('second-id');
    expect(again.body).toMatchObject({ correlationId: 'first-id' });
  });

  test('make the id of a session that has none, so that a retry finds it', async () => {
    const scene = await Scene.make(world);
    const create = (key: string, as: RoleName) => scene.act(as, 'session.create', { title: 'Derived' }, key);
    const first = await create('k', 'owner');
    expect(first.sessionId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-/);
    expect(await create('k', 'owner')).toEqual(first);
    expect((await create('k', 'member')).sessionId).not.toBe(first.sessionId);
    expect((await create('k2', 'owner')).sessionId).not.toBe(first.sessionId);
    const socket = await openSocket(world.target, scene.people.owner, scene.sessionId);
    const bySocket = await socket.command('session.create', { title: 'Derived' }, { idempotencyKey: 'k' });
    await socket.close();
    expect(bySocket).toMatchObject({ type: 'ack', replayed: true, result: first });
  });
}
