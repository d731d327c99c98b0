import { describe, expect, test } from 'vitest';
import { CATALOGUE, COMMAND_NAMES } from '../../../shared/contract/catalogue.ts';
import type { CommandDataByName, CommandName } from '../../../shared/core/types.ts';
import { METADATA_LEVELS_MAX } from '../../../shared/core/limits.ts';
import { JSON_LEVELS_MAX } from '../../../worker/routes/read-body.ts';
import { ACCEPTED, problem, token, world, type Body } from './support.ts';

const BODIES: { [N in CommandName]: object } = {
  'session.create': { title: 'T' },
  'session.update': { title: 'T' },
  'session.archive': {},
  'session.restore': {},
  'session.delete': {},
  'member.put': { role: 'viewer' },
  'member.remove': {},
  'message.send': { text: 'hi' },
  'message.edit': { text: 'hi' },
  'message.delete': {},
  'read.advance': { seq: 3 },
  'stream.start': {},
  'stream.append': { index: 0, text: 'A' },
  'stream.finish': { status: 'failed' },
  'stream.cancel': {},
};
const PATH_DATA: Partial<Record<CommandName, Partial<CommandDataByName[CommandName]>>> = {
  'member.put': { userId: 'bob' },
  'member.remove': { userId: 'bob' },
  'message.edit': { messageId: 'm1' },
  'message.delete': { messageId: 'm1' },
  'stream.append': { messageId: 'm1' },
  'stream.finish': { messageId: 'm1' },
  'stream.cancel': { messageId: 'm1' },
};

test.each(COMMAND_NAMES)('%s is routed by the catalogue', async (name) => {
  const { as, session } = world();
  const path = `/v1${CATALOGUE[name].path}`.replace('{s}', 's1').replace('{userId}', 'bob').replace('{m}', 'm1');
  const response = await as(CATALOGUE[name].method, path, BODIES[name]);
  expect(response.status).toBe(202);
  expect(await response.json()).toEqual(ACCEPTED);
  expect(response.headers.get('Location')).toBe('/v1/sessions/s1/commands/c1');
  expect(response.headers.get('Idempotent-Replayed')).toBeNull();
  const [identity, input] = session.execute.mock.calls[0] ?? [];
  expect(input?.command).toEqual({ name, data: { ...BODIES[name], ...PATH_DATA[name] } });
  expect(identity?.tenant).toBe('default');
  if (name !== 'session.create') expect(identity?.sessionId).toBe('s1');
});

test('an unchanged command has no Location, a replayed one says so', async () => {
  const { as, session } = world();
  session.execute.mockResolvedValue({
    ok: true,
    value: { accepted: { ...ACCEPTED, eventId: null, unchanged: true }, replayed: true },
  });
  const response = await as('POST', '/v1/sessions/s1/archive');
  expect(response.headers.get('Location')).toBeNull();
  expect(response.headers.get('Idempotent-Replayed')).toBe('true');
});

describe('the id of a new session', () => {
  const created = async (body: object, headers: Record<string, string> = {}, claims = {}) => {
    const { call, session } = world();
    const authorization = `Bearer ${await token(claims)}`;
    await call('POST', '/v1/sessions', {
      headers: { Authorization: authorization, 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return session.execute.mock.calls[0]?.[0].sessionId;
  };
  test('is the one given, else made', async () => {
    expect(await created({ title: 'T', id: 'mine' })).toBe('mine');
    expect(await created({ title: 'T' })).toMatch(/^[0-9a-f-]{14}7/);
  });
  test('is derived of tenant, actor and key', async () => {
    const first = await created({ title: 'T' }, { 'Idempotency-Key': 'k' });
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await created({ title: 'other' }, { 'Idempotency-Key': '"k"' })).toBe(first);
    expect(await created({ title: 'T' }, { 'Idempotency-Key': 'k2' })).not.toBe(first);
    expect(await created({ title: 'T' }, { 'Idempotency-Key': 'k' }, { sub: 'bob' })).not.toBe(first);
    expect(await created({ title: 'T' }, { 'Idempotency-Key': 'k' }, { tenant: 'acme' })).not.toBe(first);
  });
});

describe('Idempotency-Key', () => {
  test.each([
    ['k', 'k'],
    ['"k"', 'k'],
    ['"', '"'],
    ['a'.repeat(128), 'a'.repeat(128)],
  ])('%s is %s', async (header, key) => {
    const { as, session } = world();
    await as('POST', '/v1/sessions/s1/archive', {}, { 'Idempotency-Key': header });
    expect(session.execute.mock.calls[0]?.[1].idempotencyKey).toBe(key);
  });
  test.each(['""', 'a b', 'a'.repeat(129), 'é'])('%j is refused', async (header) => {
    expect((await problem(await world().as('POST', '/v1/sessions/s1/archive', {}, { 'Idempotency-Key': header }))).code).toBe(
      'invalid_request',
    );
  });
});

describe('bodies', () => {
  const send = async (
    body: Body | undefined,
    type: string | undefined = 'application/json',
    path = '/v1/sessions/s1/messages',
  ) => {
    const { call, session } = world();
    const headers: Record<string, string> = {
      Authorization: `Bearer ${await token()}`,
      ...(type === undefined ? {} : { 'Content-Type': type }),
    };
    const response = await call('POST', path, body === undefined ? { headers } : { headers, body });
    return { response, session, code: response.status === 202 ? 'accepted' : (await problem(response)).code };
  };
  const bytes = (text: string) => new TextEncoder().encode(text);
  const nested = (levels: number) => `{"text":"x","metadata":${'{"a":'.repeat(levels - 1)}1${'}'.repeat(levels - 1)}}`;

  const cases: [string, Uint8Array<ArrayBuffer> | string | undefined, string | undefined, string][] = [
    ['good', '{"text":"x"}', 'application/json', 'accepted'],
    ['with charset', '{"text":"x"}', 'Application/JSON; charset="UTF-8"', 'accepted'],
    ['without a type', bytes('{"text":"x"}'), undefined, 'accepted'],
    ['with a byte order mark', bytes('\ufeff{"text":"x"}'), 'application/json', 'accepted'],
    ['of another charset', '{"text":"x"}', 'application/json; charset=latin1', 'unsupported_media_type'],
    ['of another type', 'text=x', 'application/x-www-form-urlencoded', 'unsupported_media_type'],
    ['text', '{"text":"x"}', 'text/plain', 'unsupported_media_type'],
    ['not JSON', '{"text":', 'application/json', 'invalid_request'],
    ['not UTF-8', Uint8Array.from([0x22, 0xff, 0x22]), 'application/json', 'invalid_request'],
    ['null', 'null', 'application/json', 'invalid_request'],
    ['a list', '[]', 'application/json', 'invalid_request'],
    ['a text', '"x"', 'application/json', 'invalid_request'],
    ['missing where one is needed', undefined, undefined, 'invalid_request'],
    ['with an unknown field', '{"text":"x","y":1}', 'application/json', 'invalid_request'],
    ['with a path field', '{"text":"x","messageId":"m"}', 'application/json', 'invalid_request'],
    ['with __proto__', '{"text":"x","__proto__":{"role":"system"}}', 'application/json', 'invalid_request'],
    ['with metadata as deep as its schema allows', nested(METADATA_LEVELS_MAX + 1), 'application/json', 'accepted'],
    ['with deeper metadata', nested(METADATA_LEVELS_MAX + 2), 'application/json', 'invalid_request'],
    ['nested as deep as a body may', nested(JSON_LEVELS_MAX + 1), 'application/json', 'invalid_request'],
    ['nested very deeply', '['.repeat(500_000), 'application/json', 'invalid_request'],
    ['with brackets in a text', JSON.stringify({ text: '\\"[{'.repeat(100) }), 'application/json', 'accepted'],
    ['over 1 MiB', JSON.stringify({ text: 'x'.repeat(1024 * 1024) }), 'application/json', 'payload_too_large'],
    ['of blanks', '{"text":" "}', 'application/json', 'message_empty'],
    ['with a long text', JSON.stringify({ text: 'x'.repeat(50_001) }), 'application/json', 'message_too_long'],
  ];
  test.each(cases)('%s', async (_, body, type, code) => {
    expect((await send(body, type)).code).toBe(code);
  });

  test('over 1 MiB without Content-Length, and no more is read of it', async () => {
    let pulled = 0;
    const stream = new ReadableStream({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(256 * 1024).fill(0x20));
      },
    });
    const { call } = world();
    const request = { headers: { Authorization: `Bearer ${await token()}` }, body: stream, duplex: 'half' };
    expect((await problem(await call('POST', '/v1/sessions/s1/messages', request as never))).code).toBe('payload_too_large');
    expect(pulled).toBeLessThan(10);
  });

  test('none is {}, whatever its type says', async () => {
    expect((await send(undefined, 'text/plain', '/v1/sessions/s1/archive')).code).toBe('accepted');
    expect((await send('', 'text/plain', '/v1/sessions/s1/archive')).code).toBe('accepted');
  });

  test('metadata with __proto__ is data like any other', async () => {
    const { session, code } = await send('{"text":"x","metadata":{"__proto__":{"a":1}}}');
    expect(code).toBe('accepted');
    const data = session.execute.mock.calls[0]?.[1].command.data as { metadata: object };
    expect(JSON.stringify(data.metadata)).toBe('{"__proto__":{"a":1}}');
    expect(({} as { a?: number }).a).toBeUndefined();
  });
});
