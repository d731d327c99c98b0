import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask } from '../http.ts';
import { httpOf, COMMANDS, ROUTES } from '../routes.ts';
import { dataByType, problemStatus } from '../schemas.ts';
import { Scene, type World } from '../scene.ts';

/** All of it without a token. */
export function documentSuite(world: World): void {
  const get = (path: string) => ask(world.target.url, 'GET', path);

  describe('without a token', () => {
    test('/healthz and /readyz', async () => {
      expect((await get('/healthz')).status).toBe(200);
      const ready = await get('/readyz');
      expect([ready.status, typeof ready.body]).toEqual([200, 'object']);
    });

    test('/docs is a page', async () => {
      const page = await get('/docs');
      expect([page.status, page.headers.get('Content-Type')?.split(';')[0]]).toEqual([200, 'text/html']);
    });

    test('/v1/openapi.json names every route, and every code', async () => {
      const { status, body } = await get('/v1/openapi.json');
      expect(status).toBe(200);
      const document = z
        .object({ openapi: z.string().startsWith('3.1'), paths: z.record(z.string(), z.looseObject({})) })
        .parse(body);
      const known = Object.entries(document.paths).flatMap(([path, operations]) =>
        Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '{}')}`),
      );
      const queries = [
        '',
        '/{s}',
        '/{s}/members',
        '/{s}/messages',
        '/{s}/messages/{m}',
        '/{s}/events',
        '/{s}/traces',
        '/{s}/traces/{t}',
        '/{s}/presence',
      ];
      const expected = [
        ...Object.values(ROUTES).map(([method, path]) => `${method} /v1${path}`),
        ...queries.map((path) => `GET /v1/sessions${path}`),
        'GET /v1/inbox',
        'POST /v1/inbox/tickets',
        'POST /v1/sessions/{s}/tickets',
        'GET /v1/sessions/{s}/commands/{c}',
        'GET /healthz',
        'GET /readyz',
      ].map((route) => route.replaceAll(/\{\w+\}/g, '{}'));
      expect(expected.filter((route) => !known.includes(route))).toEqual([]);
      const text = JSON.stringify(body);
      expect(Object.keys(problemStatus).filter((code) => !text.includes(code))).toEqual([]);
    });

    test('/v1/asyncapi.json names the sockets and the subjects', async () => {
      const { status, body } = await get('/v1/asyncapi.json');
      expect(status).toBe(200);
      const text = JSON.stringify(z.looseObject({ asyncapi: z.string() }).parse(body));
      const names = [
        'millrace.events',
        'millrace.commands',
        'millrace.signals',
        'millrace.dead',
        'millrace.receipts',
        'welcome',
        'reject',
        '/socket',
      ];
      expect(names.filter((name) => !text.includes(name))).toEqual([]);
      expect(COMMANDS.filter((name) => !text.includes(name))).toEqual([]);
    });

    test('the schema that each event names', async () => {
      const scene = await Scene.make(world);
      const { dataschema } = await scene.eventAt(1);
      expect(dataschema).toMatch(/\/schemas\/session\.created\/\w+$/);
      const version = dataschema.split('/').at(-1) ?? '';
      for (const type of Object.keys(dataByType)) {
        const { status, body } = await get(`/schemas/${type}/${version}`);
        expect([type, status]).toEqual([type, 200]);
        expect(body).toMatchObject({ type: 'object' });
      }
      expect((await get('/schemas/nothing.happened/1')).status).toBe(404);
    });
  });

  test('no route takes a command without a token', async () => {
    for (const command of COMMANDS) {
      const { method, path } = httpOf(command, 's', { messageId: 'm', userId: 'u', emoji: ':e:', traceId: 't' });
      const { status, body } = await ask(world.target.url, method, path, { body: {} });
      expect([command, status, body]).toMatchObject([command, 401, { code: 'unauthenticated' }]);
    }
  });
}
