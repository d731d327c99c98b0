import { describe, expect, test, type TestContext } from 'vitest';
import { refusedByHttp } from '../doors.ts';
import { eventually } from '../eventually.ts';
import { ask, askUpgrade } from '../http.ts';
import { person } from '../people.ts';
import { ticket as ticketSchema, type ProblemCode } from '../schemas.ts';
import { Scene, type World } from '../scene.ts';
import { Connection, openSocket, ticketOf } from '../socket.ts';

export function socketSuite(world: World): void {
  const make = async (
    onTestFinished: TestContext['onTestFinished'],
    visibility: 'private' | 'public' = 'private',
  ): Promise<Scene> => {
    const scene = await Scene.make(world, visibility);
    onTestFinished(() => scene.end());
    return scene;
  };
  describe('a ticket', () => ticketTests(world, make));
  describe('an upgrade', () => upgradeTests(world, make));
  describe('a socket', () => {
    welcomeTests(make);
    commandTests(make);
  });
  describe('a socket closes', () => closeTests(world, make));
}

type Make = (onTestFinished: TestContext['onTestFinished'], visibility?: 'private' | 'public') => Promise<Scene>;

const PROTOCOL = { 'Sec-WebSocket-Protocol': 'millrace.v1' };

function ticketTests(world: World, make: Make): void {
  test('is for 30 s, and one use', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const answer = await ask(world.target.url, 'POST', `${scene.path}/tickets`, { token: scene.people.viewer.token });
    expect(answer.status).toBe(201);
    const { ticket, expiresAt } = ticketSchema.parse(answer.body);
    const leftMs = Date.parse(expiresAt) - Date.now();
    expect(leftMs).toBeGreaterThan(15_000);
    expect(leftMs).toBeLessThanOrEqual(30_500);
    const first = await Connection.to(world.target.url, `${scene.path}/socket`, { ticket });
    expect(first.protocol).toBe('millrace.v1');
    await first.close();
    const again = await askUpgrade(world.target.url, `${scene.path}/socket`, {
      'Sec-WebSocket-Protocol': `millrace.v1, ticket.${ticket}`,
    });
    expect(refusedByHttp(again).problem.code).toBe('unauthenticated');
  });

  test('that is refused for another session is not used up', async ({ onTestFinished }) => {
    const [scene, elsewhere] = await Promise.all([make(onTestFinished), make(onTestFinished, 'public')]);
    const ticket = await ticketOf(world.target, scene.people.viewer, scene.path);
    const headers = { 'Sec-WebSocket-Protocol': `millrace.v1, ticket.${ticket}` };
    expect((await askUpgrade(world.target.url, `${elsewhere.path}/socket`, headers)).status).toBe(401);
    expect((await askUpgrade(world.target.url, `${scene.path}/socket`, headers)).status).toBe(101);
  });

  test('is not given to who may not read, nor without a token', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    for (const [token, code] of [
      [scene.people.stranger.token, 'session_not_found'],
      [undefined, 'unauthenticated'],
    ] as const) {
      const answer = await ask(world.target.url, 'POST', `${scene.path}/tickets`, { token });
      expect(refusedByHttp(answer).problem.code).toBe(code);
    }
  });
}

function upgradeTests(world: World, make: Make): void {
  test('is refused before it happens', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const bearer = (role: 'viewer' | 'stranger') => ({ Authorization: `Bearer ${scene.people[role].token}`, ...PROTOCOL });
    const cases: [path: string, headers: Record<string, string>, code: ProblemCode][] = [
      [`${scene.path}/socket`, PROTOCOL, 'unauthenticated'],
      [`${scene.path}/socket`, { 'Sec-WebSocket-Protocol': 'millrace.v1, ticket.none' }, 'unauthenticated'],
      [`${scene.path}/socket`, { ...PROTOCOL, Authorization: 'Bearer none' }, 'unauthenticated'],
      [`${scene.path}/socket`, bearer('stranger'), 'session_not_found'],
      [`${scene.path}/socket?after=x`, bearer('viewer'), 'invalid_request'],
      [`${scene.path}/socket?after=-1`, bearer('viewer'), 'invalid_request'],
      [`${scene.path}/socket`, { ...bearer('viewer'), Origin: 'https://elsewhere.example' }, 'origin_not_allowed'],
    ];
    for (const [path, headers, code] of cases) {
      const answer = await askUpgrade(world.target.url, path, headers);
      expect([path, refusedByHttp(answer).problem.code]).toEqual([path, code]);
    }
  });

  test('that is none is 426', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const answer = await ask(world.target.url, 'GET', `${scene.path}/socket`, { token: scene.people.viewer.token });
    expect(answer.status).toBe(426);
  });

  test('is open to anyone of the tenant where the session is public', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished, 'public');
    const socket = await scene.socket('stranger', { after: 0 });
    await socket.seen(1);
    expect(await socket.command('message.send', { text: 'x' })).toMatchObject({ type: 'reject', error: { code: 'forbidden' } });
  });
}

function welcomeTests(make: Make): void {
  test('is welcomed, and begins at the head', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    await scene.act('viewer', 'read.advance', { seq: 1 });
    const socket = await scene.socket('viewer');
    expect(socket.welcome).toMatchObject({ sessionId: scene.sessionId, head: 1, from: 2, recovered: true, readSeq: 1 });
    expect(socket.welcome.user).toMatchObject({ id: scene.id('viewer'), kind: 'user' });
    expect(Date.parse(socket.welcome.expiresAt)).toBeGreaterThan(Date.now());
    await scene.message('member', { text: 'live' });
    await socket.seen(2);
    expect(socket.events).toEqual((await scene.events()).slice(1));
  });

  test('resumes after a seq, contiguous and in order, the same for all', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    for (let at = 0; at < 5; at += 1) await scene.message('member', { text: `m ${at}` });
    const sockets = await Promise.all(
      [0, 2, 6].map((after) => scene.socket('viewer', { after, by: after === 2 ? 'bearer' : 'ticket' })),
    );
    expect(sockets.map(({ welcome }) => [welcome.from, welcome.head, welcome.recovered])).toEqual([
      [1, 6, true],
      [3, 6, true],
      [7, 6, true],
    ]);
    await Promise.all(Array.from({ length: 10 }, (_, at) => scene.message('other', { text: `then ${at}` })));
    const events = await scene.events();
    for (const [at, socket] of sockets.entries()) {
      await socket.seen(16);
      expect(socket.events).toEqual(events.slice([0, 2, 6][at]));
    }
  });

  test('says when it cannot go on where one was', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const { epoch } = (await scene.socket('viewer')).welcome;
    expect((await scene.socket('viewer', { after: 1, epoch })).welcome).toMatchObject({ recovered: true, from: 2 });
    expect((await scene.socket('viewer', { after: 1, epoch: 'another' })).welcome).toMatchObject({ recovered: false });
    expect((await scene.socket('viewer', { after: 9, epoch })).welcome).toMatchObject({ recovered: false });
  });

  test('answers the bare text ping with pong, and nothing else to what it takes in silence', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const socket = await scene.socket('viewer');
    socket.send({ type: 'received', seq: 1 });
    socket.send('ping');
    await eventually('pong', () => socket.bare.includes('pong'));
    expect(socket.frames.map(({ type }) => type)).not.toContain('reject');
    expect(socket.closeCode).toBeUndefined();
  });
}

function commandTests(make: Make): void {
  test('takes commands in the order sent, and answers each with its id', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const socket = await scene.socket('member', { after: 0 });
    for (let at = 0; at < 50; at += 1)
      socket.send({ type: 'command', id: `my ${at}`, command: 'message.send', data: { text: `m ${at}` } });
    await socket.seen(51);
    expect(socket.events.slice(1).map(({ data }) => (data as { text: string }).text)).toEqual(
      Array.from({ length: 50 }, (_, at) => `m ${at}`),
    );
    for (let at = 0; at < 50; at += 1)
      expect(await socket.answer(`my ${at}`)).toMatchObject({ type: 'ack', result: { seq: at + 2 } });
  });

  test('rejects an unknown command and bad data, and stays open', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const socket = await scene.socket('member');
    expect(await socket.command('message.shout', { text: 'x' })).toMatchObject({
      type: 'reject',
      error: { code: 'invalid_request' },
    });
    expect(await socket.command('message.send', { text: '' })).toMatchObject({
      type: 'reject',
      error: { code: 'message_empty' },
    });
    expect(await socket.command('message.send', 'text')).toMatchObject({ type: 'reject', error: { code: 'invalid_request' } });
    expect(await socket.command('message.send', { text: 'x' }, { idempotencyKey: 'a b' })).toMatchObject({
      type: 'reject',
      error: { code: 'invalid_request' },
    });
    expect(await socket.command('message.send', { text: 'fine' })).toMatchObject({ type: 'ack' });
  });

  test('is renewed by a ticket', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const socket = await scene.socket('member');
    socket.send({ type: 'renew', ticket: await ticketOf(scene.target, scene.people.member, scene.path) });
    expect(await socket.command('message.send', { text: 'still here' })).toMatchObject({ type: 'ack' });
  });
}

function closeTests(world: World, make: Make): void {
  const frames: [title: string, frame: unknown][] = [
    ['at what is no JSON', 'hello'],
    ['at JSON that is no object', '[1]'],
    ['at a frame of unknown type', { type: 'shout' }],
    ['at a binary frame', Uint8Array.of(1, 2, 3)],
    ['at a frame above 1 MiB', { type: 'command', id: 'c', command: 'message.send', data: { text: 'x'.repeat(1_048_576) } }],
  ];
  for (const [title, frame] of frames) {
    test(`${title}: 4400`, async ({ onTestFinished }) => {
      const scene = await make(onTestFinished);
      const socket = await scene.socket('member');
      socket.send(frame);
      const code = await socket.closed();
      expect(title.includes('MiB') ? [4400, 1009] : [4400]).toContain(code);
    });
  }

  test('when its token expires: 4401, renewed or not', { timeout: 60_000 }, async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const brief = await person(world.target, 'brief', { ttlSeconds: 4 });
    await scene.act('owner', 'member.put', { userId: brief.id, role: 'viewer' });
    const socket = await openSocket(world.target, brief, scene.sessionId, { by: 'bearer' });
    expect(Date.parse(socket.welcome.expiresAt)).toBeLessThan(Date.now() + 5_000);
    expect(await socket.closed(45_000)).toBe(4401);
  });

  test('when its user is removed: 4403, also where the session is public', async ({ onTestFinished }) => {
    for (const visibility of ['private', 'public'] as const) {
      const scene = await make(onTestFinished, visibility);
      const [socket, kept] = [await scene.socket('member'), await scene.socket('viewer')];
      await scene.act('owner', 'member.remove', { userId: scene.id('member') });
      expect(await socket.closed()).toBe(4403);
      await kept.seen(2);
      expect(kept.closeCode).toBeUndefined();
    }
  });

  test('when its user leaves by it: the ack comes first', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const socket = await scene.socket('member');
    expect(await socket.command('member.remove', { userId: scene.id('member') })).toMatchObject({ type: 'ack' });
    expect(await socket.closed()).toBe(4403);
  });

  test('when the session is deleted: 4410', async ({ onTestFinished }) => {
    const scene = await make(onTestFinished);
    const sockets = [await scene.socket('member'), await scene.socket('viewer')];
    await scene.act('owner', 'session.delete');
    for (const socket of sockets) expect(await socket.closed()).toBe(4410);
  });
}
