import { describe, expect, it } from 'vitest';
import {
  CATALOGUE,
  COMMAND_NAMES,
  isCommandName,
  parseCommand,
  parseHttpCommand,
  type CommandSpec,
} from '../../../../shared/contract/catalogue.ts';
import type { CommandName } from '../../../../shared/core/types.ts';

/** The rows of contract §1 that are built: method, path under /v1, fields of the body. */
const TABLE: Record<CommandName, [method: string, path: string, body: string[]]> = {
  'session.create': ['POST', '/sessions', ['id', 'title', 'description', 'visibility', 'members', 'metadata']],
  'session.update': ['PATCH', '/sessions/{s}', ['title', 'description', 'metadata']],
  'session.archive': ['POST', '/sessions/{s}/archive', []],
  'session.restore': ['POST', '/sessions/{s}/restore', []],
  'session.delete': ['DELETE', '/sessions/{s}', []],
  'member.put': ['PUT', '/sessions/{s}/members/{userId}', ['role']],
  'member.remove': ['DELETE', '/sessions/{s}/members/{userId}', []],
  'message.send': [
    'POST',
    '/sessions/{s}/messages',
    ['text', 'id', 'parentId', 'role', 'name', 'toolCallId', 'mentions', 'metadata', 'createdAt'],
  ],
  'message.edit': ['PATCH', '/sessions/{s}/messages/{m}', ['text']],
  'message.delete': ['DELETE', '/sessions/{s}/messages/{m}', []],
  'read.advance': ['PUT', '/sessions/{s}/read', ['seq']],
  'stream.start': ['POST', '/sessions/{s}/streams', ['messageId', 'role', 'name', 'parentId', 'metadata', 'idleTimeoutMs']],
  'stream.append': ['POST', '/sessions/{s}/streams/{m}/chunks', ['index', 'text']],
  'stream.finish': ['POST', '/sessions/{s}/streams/{m}/finish', ['status', 'text']],
  'stream.cancel': ['POST', '/sessions/{s}/streams/{m}/cancel', ['reason']],
};

/** The least that each command takes: path parameters and body. */
const LEAST: Record<
  CommandName,
  { params: Record<string, string>; body: Record<string, unknown>; data: Record<string, unknown> }
> = {
  'session.create': { params: {}, body: { title: 'Harbour' }, data: { title: 'Harbour' } },
  'session.update': { params: {}, body: {}, data: {} },
  'session.archive': { params: {}, body: {}, data: {} },
  'session.restore': { params: {}, body: {}, data: {} },
  'session.delete': { params: {}, body: {}, data: {} },
  'member.put': { params: { userId: 'bob' }, body: { role: 'member' }, data: { userId: 'bob', role: 'member' } },
  'member.remove': { params: { userId: 'bob' }, body: {}, data: { userId: 'bob' } },
  'message.send': { params: {}, body: { text: 'Ahoy' }, data: { text: 'Ahoy' } },
  'message.edit': { params: { m: 'm1' }, body: { text: 'Ahoy' }, data: { messageId: 'm1', text: 'Ahoy' } },
  'message.delete': { params: { m: 'm1' }, body: {}, data: { messageId: 'm1' } },
  'read.advance': { params: {}, body: { seq: 3 }, data: { seq: 3 } },
  'stream.start': { params: {}, body: {}, data: {} },
  'stream.append': { params: { m: 'm1' }, body: { index: 0, text: 'A' }, data: { messageId: 'm1', index: 0, text: 'A' } },
  'stream.finish': { params: { m: 'm1' }, body: { status: 'failed' }, data: { messageId: 'm1', status: 'failed' } },
  'stream.cancel': { params: { m: 'm1' }, body: {}, data: { messageId: 'm1' } },
};

describe('the catalogue', () => {
  it('has exactly the rows of the contract', () => {
    const rows = Object.fromEntries(
      COMMAND_NAMES.map((name) => {
        const spec: CommandSpec = CATALOGUE[name];
        return [name, [spec.method, spec.path, Object.keys(spec.body.shape)]];
      }),
    );
    expect(rows).toEqual(TABLE);
  });

  it('gives every path parameter but the session a field, and no two commands one route', () => {
    const routes = new Set<string>();
    for (const name of COMMAND_NAMES) {
      const { method, path, params, pathFields } = CATALOGUE[name] as CommandSpec;
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, param]) => param).filter((param) => param !== 's');
      expect(Object.keys(params), name).toEqual(inPath);
      expect(Object.keys(pathFields), name).toEqual(Object.values(params));
      routes.add(`${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`);
    }
    expect(routes.size).toBe(COMMAND_NAMES.length);
  });

  it('knows its names and no property of objects', () => {
    expect(COMMAND_NAMES.every(isCommandName)).toBe(true);
    for (const name of ['', 'message.teleport', 'constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(isCommandName(name)).toBe(false);
      expect(parseCommand(name, {})).toMatchObject({ ok: false, refusal: { code: 'invalid_request' } });
    }
  });
});

describe.each(COMMAND_NAMES)('%s', (name) => {
  const { params, body, data } = LEAST[name];
  const { pathFields } = CATALOGUE[name] as CommandSpec;

  it('parses the same by HTTP and as data', () => {
    const expected = { ok: true, value: { name, data } };
    expect(parseHttpCommand(name, params, body)).toEqual(expected);
    expect(parseCommand(name, data)).toEqual(expected);
  });

  it('takes a missing body for {}', () => {
    expect(parseHttpCommand(name, params, undefined).ok).toBe(Object.keys(body).length === 0);
    expect(parseCommand(name, undefined).ok).toBe(Object.keys(data).length === 0);
  });

  it.each(['surprise', 'constructor', 'toString', 's', 'sessionId', 'name2'])('refuses the unknown field %s', (unknown) => {
    expect(parseCommand(name, { ...data, [unknown]: 1 })).toMatchObject({ ok: false, refusal: { code: 'invalid_request' } });
    expect(parseHttpCommand(name, params, { ...body, [unknown]: 1 })).toMatchObject({
      ok: false,
      refusal: { code: 'invalid_request' },
    });
  });

  it('refuses a __proto__ field, and lets it change no prototype', () => {
    const hostile: unknown = JSON.parse(`{"__proto__":{"admin":true},${JSON.stringify(data).slice(1)}`.replace(',}', '}'));
    expect(parseCommand(name, hostile)).toMatchObject({ ok: false, refusal: { code: 'invalid_request' } });
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  it.each([[], [1], 'text', 5, true])('refuses %j in place of an object', (value) => {
    expect(parseCommand(name, value)).toMatchObject({ ok: false, refusal: { code: 'invalid_request' } });
    expect(parseHttpCommand(name, params, value)).toMatchObject({ ok: false, refusal: { code: 'invalid_request' } });
  });

  it('refuses path parameters in an HTTP body, and requires them in data', () => {
    for (const fieldName of Object.keys(pathFields)) {
      const twice = { ...body, [fieldName]: data[fieldName] };
      expect(parseHttpCommand(name, params, twice)).toMatchObject({ ok: false, refusal: { code: 'invalid_request' } });
      const { [fieldName]: _absent, ...without } = data;
      expect(parseCommand(name, without)).toMatchObject({
        ok: false,
        refusal: { code: 'invalid_request', errors: [{ path: fieldName }] },
      });
    }
  });

  it('refuses path parameters that are no ids', () => {
    for (const param of Object.keys(params)) {
      for (const bad of ['', 'a b', 'a/b', 'a'.repeat(129), 'é']) {
        expect(parseHttpCommand(name, { ...params, [param]: bad }, body)).toMatchObject({
          ok: false,
          refusal: { code: 'invalid_request' },
        });
      }
    }
  });
});
