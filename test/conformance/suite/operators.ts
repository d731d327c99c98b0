import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refusedByHttp } from '../doors.ts';
import { eventually } from '../eventually.ts';
import { ask, type Answer } from '../http.ts';
import type { Backend } from '../nats.ts';
import { person, type Person } from '../people.ts';
import type { World } from '../scene.ts';
import { hasNats } from '../target.ts';

const ADMIN = '/v1/admin';
const LETTERS = `${ADMIN}/dead-letters`;

const time = z.iso.datetime();
const letter = z.looseObject({
  id: z.string().min(1),
  consumer: z.string(),
  reason: z.string(),
  error: z.string(),
  attempts: z.int().min(1),
  subject: z.string(),
  streamSeq: z.int().min(1),
  firstFailedAt: time,
  at: time,
  bytes: z.int().min(1),
});
const page = z.strictObject({ items: z.array(letter), nextCursor: z.string().min(1).optional() });
const detail = letter.extend({
  headers: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  payload: z.strictObject({ encoding: z.enum(['text', 'base64']), data: z.string(), cut: z.literal(true).optional() }),
});
const report = z.looseObject({
  dryRun: z.boolean(),
  matched: z.int(),
  redriven: z.int(),
  failed: z.int(),
  items: z.array(z.looseObject({ id: z.string(), outcome: z.string() })),
  nextCursor: z.string().optional(),
});
const log = z.looseObject({
  items: z.array(z.looseObject({ at: time, actor: z.string(), action: z.string(), target: z.string() })),
});

/** An operator of a tenant that nobody else has: what is kept is kept per tenant. */
async function operator(world: World): Promise<Person> {
  return await person(world.target, 'operator', { scope: 'admin', tenant: `t-${crypto.randomUUID().slice(0, 20)}` });
}

/** What operators see and do (contract §8). */
export function operatorSuite(world: World): void {
  const call = async (who: Person, method: string, path: string, body?: unknown): Promise<Answer> =>
    await ask(world.target.url, method, path, { token: who.token, ...(body === undefined ? {} : { body }) });
  const letters = async (who: Person, query = ''): Promise<z.infer<typeof page>> => {
    const answer = await call(who, 'GET', `${LETTERS}${query}`);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return page.parse(answer.body);
  };

  describe('operators', () => {
    test('nobody else gets an answer', async () => {
      const someone = await person(world.target, 'someone', { scope: 'service' });
      for (const [method, path] of [
        ['GET', LETTERS],
        ['GET', `${LETTERS}/x`],
        ['POST', `${LETTERS}/x/redrive`],
        ['POST', `${LETTERS}/x/discard`],
        ['POST', `${LETTERS}/redrive`],
        ['GET', `${ADMIN}/log`],
      ] as const) {
        expect(refusedByHttp(await ask(world.target.url, method, path)).problem.code).toBe('unauthenticated');
        expect(refusedByHttp(await call(someone, method, path)).problem.code).toBe('forbidden');
      }
    });

    test('who has no letters is told so, and what is no question is refused', async () => {
      const olga = await operator(world);
      expect(await letters(olga)).toEqual({ items: [] });
      for (const query of ['?limit=0', '?limit=101', '?cursor=made-up', '?consumer=a.b']) {
        expect(refusedByHttp(await call(olga, 'GET', `${LETTERS}${query}`)).problem.code).toBe('invalid_request');
      }
      for (const path of ['', '/redrive', '/discard']) {
        const answer = await call(olga, path === '' ? 'GET' : 'POST', `${LETTERS}/none${path}`);
        expect(refusedByHttp(answer).problem.code).toBe('not_found');
      }
      expect(refusedByHttp(await call(olga, 'POST', `${LETTERS}/redrive`, { everything: true })).problem.code).toBe(
        'invalid_request',
      );
      expect(report.parse((await call(olga, 'POST', `${LETTERS}/redrive`)).body)).toMatchObject({ matched: 0, redriven: 0 });
    });
  });

  const open = hasNats() ? describe : describe.skip;
  open('dead letters', () => {
    const ofBot = async ({ tenant }: Person, sessionId: string, command: string, data: object): Promise<void> => {
      const actor = { id: 'bot', kind: 'agent' as const };
      await (world.backend as Backend).command(tenant, sessionId, { command, data, actor });
    };
    const refuse = async (who: Person, count: number): Promise<void> => {
      for (let sent = 0; sent < count; sent += 1) await ofBot(who, `none-${sent}`, 'message.send', { text: `refused ${sent}` });
    };

    test('are paged newest first, shown, and of their tenant alone', async () => {
      const [olga, other] = [await operator(world), await operator(world)];
      await refuse(olga, 3);
      const all = await letters(olga, '?consumer=relay');
      expect(all.items.map(({ sessionId }) => sessionId)).toEqual(['none-2', 'none-1', 'none-0']);
      for (const each of all.items)
        expect(each).toMatchObject({ consumer: 'relay', reason: 'session_not_found', tenant: olga.tenant });
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const next = await letters(olga, `?limit=1${cursor === undefined ? '' : `&cursor=${cursor}`}`);
        expect(next.items.length).toBeLessThanOrEqual(1);
        seen.push(...next.items.map(({ id }) => id));
        cursor = next.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(all.items.map(({ id }) => id));
      const { id } = letter.parse(all.items[0]);
      const shown = detail.parse((await call(olga, 'GET', `${LETTERS}/${id}`)).body);
      expect(JSON.parse(shown.payload.data)).toMatchObject({ command: 'message.send', data: { text: 'refused 2' } });
      expect(shown.headers).toContainEqual({ name: 'Millrace-Reason', value: 'session_not_found' });
      expect(await letters(olga, '?consumer=history')).toMatchObject({ items: [] });
      expect(await letters(other)).toMatchObject({ items: [] });
      expect(refusedByHttp(await call(other, 'POST', `${LETTERS}/${id}/discard`)).problem.code).toBe('not_found');
    });

    test('are redriven: one that is refused again stays, and the answer says why; a dry run changes nothing', async () => {
      const olga = await operator(world);
      await refuse(olga, 2);
      const before = (await letters(olga)).items.map(({ id }) => id);
      const dry = report.parse((await call(olga, 'POST', `${LETTERS}/redrive`, { dryRun: true })).body);
      expect(dry).toMatchObject({ dryRun: true, matched: 2, redriven: 2, failed: 0 });
      expect((await letters(olga)).items.map(({ id }) => id)).toEqual(before);
      const done = report.parse((await call(olga, 'POST', `${LETTERS}/redrive`, { consumer: 'relay' })).body);
      expect(done).toMatchObject({ dryRun: false, matched: 2, redriven: 0, failed: 2 });
      for (const item of done.items) {
        expect(item).toMatchObject({ outcome: 'failed', code: 'conflict' });
        expect(String(item['detail'])).toContain('session_not_found');
      }
      expect((await letters(olga)).items.map(({ id }) => id)).toEqual(before);
      expect(refusedByHttp(await call(olga, 'POST', `${LETTERS}/${before[0]}/redrive`)).problem.code).toBe('conflict');
    });

    test('are redriven: a command takes effect once its session takes it, and the letter goes', async () => {
      const olga = await operator(world);
      await refuse(olga, 1);
      const [only] = (await letters(olga)).items;
      const id = only?.id ?? '';
      await ofBot(olga, 'none-0', 'session.create', { title: 'now there is one' });
      await eventually('it is taken', async () => (await call(olga, 'POST', `${LETTERS}/${id}/redrive`)).status === 200);
      expect(await letters(olga)).toMatchObject({ items: [] });
      expect(refusedByHttp(await call(olga, 'POST', `${LETTERS}/${id}/redrive`)).problem.code).toBe('not_found');
    });

    test('are discarded for good, and the log says by whom', async () => {
      const olga = await operator(world);
      await refuse(olga, 1);
      const id = (await letters(olga)).items[0]?.id ?? '';
      expect((await call(olga, 'POST', `${LETTERS}/${id}/discard`)).status).toBe(200);
      expect(await letters(olga)).toMatchObject({ items: [] });
      expect(refusedByHttp(await call(olga, 'POST', `${LETTERS}/${id}/discard`)).problem.code).toBe('not_found');
      const { items } = log.parse((await call(olga, 'GET', `${ADMIN}/log`)).body);
      expect(items).toMatchObject([{ actor: olga.id, action: 'deadLetters.discard', target: id }]);
    });
  });
}
