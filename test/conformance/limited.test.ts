import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing } from '../support/stack.ts';
import { refusedByHttp } from './doors.ts';
import { eventually } from './eventually.ts';
import { ask, type Answer } from './http.ts';
import { Crowds, Scene, type World } from './scene.ts';
import { isGiven, openTarget, type Target } from './target.ts';

/** events that may wait to be persisted here; the default is 100,000 */
const UNPERSISTED_MAX = 25;

/** What a small limit shows: of the one system whose operator set it (contract §6). */
requireOrSkip('nats-server', isGiven() ? 'the limits of a given system are not ours to set' : natsServerMissing())(
  'a system that lets few events wait',
  () => {
    let target: Target;
    let world: World;
    let scene: Scene;

    beforeAll(async () => {
      target = await openTarget({ LIMIT_UNPERSISTED_EVENTS: String(UNPERSISTED_MAX) });
      world = { target, crowds: new Crowds(), backend: undefined };
      scene = await Scene.make(world);
    });
    afterAll(async () => {
      await scene?.end();
      await target?.stop();
    });

    const post = (to: Scene = scene): Promise<Answer> =>
      ask(target.url, 'POST', `${to.path}/messages`, { token: to.people.member.token, body: { text: 'x' } });

    describe('with every consumer stopped', () => {
      test(
        'a session takes so many, and then says overloaded by HTTP and socket, and when to come again',
        { timeout: 60_000 },
        async () => {
          await target.own?.stop('consumers');
          let taken = 0;
          const refused = await eventually('503', async () => {
            const answer = await post();
            if (answer.status === 202) taken += 1;
            return answer.status === 202 ? undefined : answer;
          });
          expect(refusedByHttp(refused).problem).toMatchObject({ code: 'overloaded', status: 503 });
          expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThanOrEqual(1);
          // what was persisted before they stopped does not count
          expect(taken).toBeGreaterThanOrEqual(UNPERSISTED_MAX - 1);
          expect(taken).toBeLessThanOrEqual(UNPERSISTED_MAX);
          const socket = await scene.socket('member');
          const answer = await socket.command('message.send', { text: 'x' });
          expect(answer).toMatchObject({ type: 'reject', error: { code: 'overloaded', status: 503 } });
          expect(answer.type === 'reject' ? answer.error.retryAfterMs : 0).toBeGreaterThan(0);
        },
      );

      test('it changes nothing, and what makes no event goes on', async () => {
        const head = (await scene.head()) ?? 0;
        expect((await post()).status).toBe(503);
        expect(await scene.head()).toBe(head);
        await scene.act('member', 'read.advance', { seq: head });
        await scene.act('owner', 'session.restore');
        expect((await scene.events()).length).toBe(head);
        // a key that was refused is not used up
        await expect(scene.act('member', 'message.send', { text: 'x' }, 'kept')).rejects.toThrow('overloaded');
      });

      test('it is that session alone', async () => {
        const other = await Scene.make(world);
        expect((await post(other)).status).toBe(202);
        await other.end();
      });
    });

    test('it takes commands again once they are back, also under the key that was refused', { timeout: 120_000 }, async () => {
      await target.own?.start('consumers');
      const { token } = scene.people.member;
      const headers = { 'Idempotency-Key': 'kept' };
      const again = async (): Promise<Answer | false> => {
        const answer = await ask(target.url, 'POST', `${scene.path}/messages`, { token, headers, body: { text: 'x' } });
        return answer.status === 202 && answer;
      };
      const taken = await eventually('202', again, 90_000, 250);
      expect(taken.headers.get('Idempotent-Replayed')).toBeNull();
      expect((await again()) && (await scene.head())).toBe((taken.body as { seq: number }).seq);
    });
  },
);
