import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refusedByHttp } from '../doors.ts';
import { eventually } from '../eventually.ts';
import { ask, type Answer } from '../http.ts';
import { person, type Person } from '../people.ts';
import type { World } from '../scene.ts';

const ADMIN = '/v1/admin';
const PATIENCE_MS = 60_000;

const time = z.iso.datetime();
const status = z.enum(['up', 'down', 'unknown']);
const rebuild = z.looseObject({
  name: z.string(),
  status: z.enum(['running', 'completed', 'failed', 'cancelled']),
  phase: z.string(),
  done: z.number().min(0).max(1),
  events: z.int().min(0),
  startedAt: time,
});
const consumer = z.looseObject({
  name: z.string(),
  status: z.literal('up'),
  lag: z.int().min(0),
  ackPending: z.int().min(0),
  redelivered: z.int().min(0),
  oldestAgeMs: z.int().min(0),
  ratePerS: z.number().min(0).optional(),
  paused: z.boolean(),
  pausedUntil: time.optional(),
  workers: z.int().min(0),
  rebuild: rebuild.optional(),
});
const page = z.strictObject({ items: z.array(consumer) });
const section = <T extends z.ZodType>(item: T) => z.strictObject({ status: z.literal('ok'), items: z.array(item) });
const part = z.looseObject({ name: z.string(), status });
const overview = z.looseObject({
  at: time,
  status: z.enum(['ok', 'degraded']),
  edge: z.strictObject({ status }),
  uplinks: z.array(part).min(1),
  streams: section(part.extend({ messages: z.int().min(0), bytes: z.int().min(0), bytesMax: z.int().optional() })),
  consumers: section(consumer),
  stores: section(part.extend({ since: time.optional() })),
  roles: section(part.extend({ workers: z.int().min(0) })),
  deadLetters: section(z.strictObject({ consumer: z.string(), count: z.int().min(1) })),
  rebuilds: section(rebuild),
});
const pause = z.strictObject({ name: z.string(), paused: z.boolean(), pausedUntil: time.optional() });
const log = z.looseObject({ items: z.array(z.looseObject({ action: z.string(), target: z.string(), actor: z.string() })) });

/** whom it hurts least while the rest of the contract is tried beside it */
const PAUSED = 'analytics';
/** another one: a rebuild pauses what it rebuilds for a moment */
const REBUILT = 'search';
const NAMES = ['analytics', 'history', 'notifications', 'relay', 'search'];

/** What those see and do who operate the whole system (contract §8). */
export function systemSuite(world: World): void {
  /** 503 is to be asked again: an answer has to come from the consumers within two seconds, while all of the contract runs beside it. */
  const call = async (who: Person, method: string, path: string, body?: unknown): Promise<Answer> => {
    const options = { token: who.token, ...(body === undefined ? {} : { body }) };
    for (const untilMs = Date.now() + PATIENCE_MS; ;) {
      const answer = await ask(world.target.url, method, `${ADMIN}${path}`, options);
      if (answer.status !== 503 || Date.now() > untilMs) return answer;
    }
  };
  const olga = async (): Promise<Person> =>
    await person(world.target, `op-${crypto.randomUUID().slice(0, 8)}`, { scope: 'admin' });
  const get = async <T>(who: Person, path: string, schema: z.ZodType<T>): Promise<T> => {
    const answer = await call(who, 'GET', path);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return schema.parse(answer.body);
  };
  const seen = async (who: Person, name: string): Promise<z.infer<typeof consumer>> => {
    const found = (await get(who, '/consumers', page)).items.find((each) => each.name === name);
    return consumer.parse(found);
  };
  const doPause = async (who: Person, what: 'pause' | 'resume', body?: unknown): Promise<z.infer<typeof pause>> => {
    const answer = await call(who, 'POST', `/consumers/${PAUSED}/${what}`, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return pause.parse(answer.body);
  };

  describe('the whole system', () => {
    test('is shown and steered by nobody but its operators', async () => {
      const someone = await person(world.target, 'someone', { scope: 'service' });
      const elsewhere = await person(world.target, 'elsewhere', {
        scope: 'admin',
        tenant: `t-${crypto.randomUUID().slice(0, 20)}`,
      });
      for (const [method, path] of [
        ['GET', '/overview'],
        ['GET', '/consumers'],
        ['POST', `/consumers/${PAUSED}/pause`],
        ['POST', `/consumers/${PAUSED}/resume`],
        ['POST', `/consumers/${PAUSED}/rebuild`],
        ['POST', '/consumers/none/rebuild'],
      ] as const) {
        expect(refusedByHttp(await ask(world.target.url, method, `${ADMIN}${path}`)).problem.code).toBe('unauthenticated');
        expect(refusedByHttp(await call(someone, method, path)).problem.code).toBe('forbidden');
        // of another tenant: what is shown here is of all of them
        expect(refusedByHttp(await call(elsewhere, method, path)).problem.code).toBe('forbidden');
      }
    });

    test('is shown part by part', async () => {
      const shown = await get(await olga(), '/overview', overview);
      expect(shown.edge.status).toBe('up');
      const streams = shown.streams.items.map(({ name }) => name);
      for (const name of ['MILLRACE_EVENTS', 'MILLRACE_COMMANDS', 'MILLRACE_DEAD_LETTERS', 'MILLRACE_RECEIPTS'])
        expect(streams).toContain(name);
      for (const { bytes, bytesMax = Infinity } of shown.streams.items) expect(bytes).toBeLessThanOrEqual(bytesMax);
      expect(shown.stores.items.map(({ name }) => name)).toEqual(expect.arrayContaining(['history', 'search', 'analytics']));
    });

    test('its consumers say how far they are', async () => {
      const { items } = await get(await olga(), '/consumers', page);
      expect(items.map(({ name }) => name).toSorted()).toEqual(expect.arrayContaining(NAMES));
    });

    test('a consumer is paused and resumed, as often as is asked, and the log says by whom', async () => {
      const who = await olga();
      try {
        const first = await doPause(who, 'pause');
        expect(first).toMatchObject({ name: PAUSED, paused: true });
        expect(Date.parse(first.pausedUntil ?? '')).toBeGreaterThan(Date.now());
        expect(await doPause(who, 'pause', {})).toEqual(first);
        expect(await seen(who, PAUSED)).toMatchObject({ paused: true, pausedUntil: first.pausedUntil });
        const until = new Date(Date.now() + 3_600_000).toISOString();
        expect(await doPause(who, 'pause', { until })).toEqual({ name: PAUSED, paused: true, pausedUntil: until });
      } finally {
        expect(await doPause(who, 'resume')).toEqual({ name: PAUSED, paused: false });
      }
      expect(await doPause(who, 'resume', {})).toEqual({ name: PAUSED, paused: false });
      expect((await seen(who, PAUSED)).paused).toBe(false);
      const mine = (await get(who, '/log?limit=100', log)).items.filter(({ actor }) => actor === who.id);
      const deeds = mine.map(({ action, target }) => `${action} ${target}`);
      expect(deeds).toEqual([`consumers.resume ${PAUSED}`, `consumers.pause ${PAUSED}`, `consumers.pause ${PAUSED}`]);
    });

    test('a pause ends within a week, and what is no pause is refused', async () => {
      const who = await olga();
      for (const body of [
        { until: 'tomorrow' },
        { until: new Date(Date.now() - 1_000).toISOString() },
        { until: new Date(Date.now() + 8 * 24 * 3_600_000).toISOString() },
        { forever: true },
        [],
      ])
        expect(refusedByHttp(await call(who, 'POST', `/consumers/${PAUSED}/pause`, body)).problem.code).toBe('invalid_request');
      for (const what of ['resume', 'rebuild'])
        expect(refusedByHttp(await call(who, 'POST', `/consumers/${PAUSED}/${what}`, { now: true })).problem.code).toBe(
          'invalid_request',
        );
      for (const name of ['none', 'a.b'])
        for (const what of ['pause', 'resume', 'rebuild'])
          expect(refusedByHttp(await call(who, 'POST', `/consumers/${name}/${what}`)).problem.code).toBe('not_found');
      expect(refusedByHttp(await call(who, 'GET', `/consumers/${PAUSED}/pause`)).problem.code).toBe('method_not_allowed');
    });

    test('a read model is rebuilt once at a time, and its progress seen; the relay has nothing to rebuild', async () => {
      const who = await olga();
      expect(refusedByHttp(await call(who, 'POST', '/consumers/relay/rebuild')).problem.code).toBe('conflict');
      const begun = await call(who, 'POST', `/consumers/${REBUILT}/rebuild`);
      // an answer that came too late is one to a rebuild that has begun
      expect([202, 409], JSON.stringify(begun.body)).toContain(begun.status);
      if (begun.status === 202) expect(rebuild.parse(begun.body)).toMatchObject({ name: REBUILT, status: 'running' });
      expect(refusedByHttp(await call(who, 'POST', `/consumers/${REBUILT}/rebuild`)).problem.code).toBe('conflict');
      await eventually('it is seen', async () => (await seen(who, REBUILT)).rebuild !== undefined);
      const { rebuilds } = await get(who, '/overview', overview);
      expect(rebuilds.items.find(({ name }) => name === REBUILT)).toMatchObject({
        status: expect.stringMatching(/running|completed/) as string,
      });
    });
  });
}
