import { describe, expect, test, type TestContext } from 'vitest';
import { refusedByHttp } from '../doors.ts';
import { eventually } from '../eventually.ts';
import { ask, askUpgrade } from '../http.ts';
import { Scene, type World } from '../scene.ts';
import type { Connection } from '../socket.ts';

const COMMANDS_PER_S = 100;
const COMMANDS_BURST = 300;
const SOCKETS_PER_USER = 20;
const FRAMES_BURST = 600;

/** The defaults of contract §6. A given system may have others: there these are skipped. */
export function limitSuite(world: World): void {
  const make = async (onTestFinished: TestContext['onTestFinished']): Promise<Scene> => {
    const scene = await Scene.make(world);
    onTestFinished(() => scene.end());
    return scene;
  };

  describe('limits', () => {
    test(
      'of commands: what is too much is rate_limited, and says when to come again',
      { timeout: 60_000 },
      async ({ skip, onTestFinished }) => {
        if (world.target.own === undefined) skip('the limits of a given system are not known');
        const scene = await make(onTestFinished);
        // several sockets: one alone would run into the limit of its frames
        const sockets = await Promise.all([1, 2, 3].map(() => scene.socket('member')));
        const startedMs = Date.now();
        const sent = sockets.flatMap((socket, who) =>
          Array.from({ length: 500 }, (_, at) => {
            const id = `${who}-${at}`;
            socket.send({ type: 'command', id, command: 'session.restore', data: {} });
            return { socket, id };
          }),
        );
        const answers = await Promise.all(sent.map(({ socket, id }) => answerOf(socket, id)));
        const elapsedS = (Date.now() - startedMs) / 1_000;
        const limited = answers.filter(({ code }) => code === 'rate_limited');
        expect(limited.length).toBeGreaterThan(0);
        expect(answers.length - limited.length).toBeLessThanOrEqual(COMMANDS_BURST + COMMANDS_PER_S * (elapsedS + 1));
        expect(answers.length - limited.length).toBeGreaterThanOrEqual(COMMANDS_BURST);
        for (const { retryAfterMs } of limited) expect(retryAfterMs).toBeGreaterThanOrEqual(0);
      },
    );

    test(
      'of commands, over HTTP: 429 with Retry-After, for that user in that session alone',
      { timeout: 60_000 },
      async ({ skip, onTestFinished }) => {
        if (world.target.own === undefined) skip('the limits of a given system are not known');
        const scene = await make(onTestFinished);
        const socket = await scene.socket('member');
        const post = (as: 'member' | 'other') =>
          ask(world.target.url, 'POST', `${scene.path}/messages`, { token: scene.people[as].token, body: { text: 'x' } });
        let frames = 0;
        const limited = await eventually('429', async () => {
          for (let at = 0; at < 100 && frames < FRAMES_BURST - 50; at += 1, frames += 1)
            socket.send({ type: 'command', id: `c${frames}`, command: 'session.restore', data: {} });
          const answers = await Promise.all(Array.from({ length: 40 }, () => post('member')));
          return answers.find(({ status }) => status === 429);
        });
        expect(refusedByHttp(limited).problem.code).toBe('rate_limited');
        expect(Number(limited.headers.get('Retry-After'))).toBeGreaterThanOrEqual(1);
        expect((await post('other')).status).toBe(202);
        await eventually('one’s own turn again', async () => (await post('member')).status === 202);
      },
    );

    test('of sockets: the 21st is refused', async ({ skip, onTestFinished }) => {
      if (world.target.own === undefined) skip('the limits of a given system are not known');
      const scene = await make(onTestFinished);
      await Promise.all(Array.from({ length: SOCKETS_PER_USER }, () => scene.socket('viewer', { by: 'bearer' })));
      const upgrade = (as: 'viewer' | 'member') =>
        askUpgrade(world.target.url, `${scene.path}/socket`, {
          Authorization: `Bearer ${scene.people[as].token}`,
          'Sec-WebSocket-Protocol': 'millrace.v1',
        });
      expect(refusedByHttp(await upgrade('viewer')).problem.code).toBe('rate_limited');
      expect((await upgrade('member')).status).toBe(101);
    });

    test('of frames: closed 4429', async ({ skip, onTestFinished }) => {
      if (world.target.own === undefined) skip('the limits of a given system are not known');
      const scene = await make(onTestFinished);
      const socket = await scene.socket('viewer');
      for (let at = 0; at < FRAMES_BURST * 4; at += 1) socket.send({ type: 'received', seq: 1 });
      expect(await socket.closed()).toBe(4429);
    });
  });
}

async function answerOf(socket: Connection, id: string): Promise<{ code?: string; retryAfterMs?: number | undefined }> {
  const answer = await socket.answer(id);
  return answer.type === 'ack' ? {} : answer.error;
}
