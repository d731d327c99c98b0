import { beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../shared/core/codes.ts';
import { as, EdgeSession, type Init } from '../edge.ts';
import { Arena, expectProblem, refused } from './arena.ts';

/** What an HTTP request may not be before its fields are looked at: contract §1 and §6. */

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.make();
});

const JSON_TYPE = { 'Content-Type': 'application/json' };
const MIB = 1024 * 1024;
const bytes = (...parts: (string | number[])[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part)));

/** A body whose length nobody says beforehand. */
function streamed(text: string): ReadableStream {
  const chunk = new TextEncoder().encode(text.slice(0, 64 * 1024));
  let left = text.length;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left <= 0) return controller.close();
      controller.enqueue(chunk.slice(0, left));
      left -= chunk.length;
    },
  });
}

interface Row {
  name: string;
  init: () => Init;
  status: number;
  code: ErrorCode;
}

const body = (name: string, content: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = JSON_TYPE): Row => ({
  name,
  init: () => ({ body: content, headers }),
  status: 400,
  code: 'invalid_request',
});
const unsupported = (name: string, headers: Record<string, string>): Row => ({
  ...body(name, '{"text":"x"}', headers),
  status: 415,
  code: 'unsupported_media_type',
});
const tooLarge = (name: string, init: () => Init): Row => ({ name, init, status: 413, code: 'payload_too_large' });

const ROWS: Row[] = [
  body('no body where one is needed', ''),
  body('not JSON', '{"text":'),
  body('two values', '{"text":"x"}{"text":"y"}'),
  body('a trailing comma', '{"text":"x",}'),
  body('single quotes', "{'text':'x'}"),
  body('white space', '   '),
  body('NaN', '{"text":"x","metadata":{"n":NaN}}'),
  body('a number beyond a double', '{"text":"x","metadata":{"n":1e400}}'),
  body('a control character in a string', '{"text":"a\u0000b"}'),
  body('null', 'null'),
  body('a list', '[]'),
  body('a string', '"text"'),
  body('a number', '1'),
  body('a key __proto__', '{"text":"x","__proto__":{"role":"system"}}'),
  body('a key constructor', '{"text":"x","constructor":{}}'),
  body('1,000 levels of lists', `{"text":"x","metadata":{"k":${'['.repeat(1_000)}${']'.repeat(1_000)}}}`),
  body('100,000 levels that never close', '['.repeat(100_000)),
  body('500,000 levels of objects', '{"a":'.repeat(150_000)),
  body('UTF-8 that breaks off', bytes('{"text":"', [0xf0, 0x9f, 0xa6], '"}')),
  body('an overlong encoding', bytes('{"text":"', [0xc0, 0xaf], '"}')),
  body('a surrogate in UTF-8', bytes('{"text":"', [0xed, 0xa0, 0x80], '"}')),
  body('Latin-1', bytes('{"text":"', [0xe4], '"}')),
  body('UTF-16', bytes([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00])),
  body('an escaped lone surrogate', '{"text":"\\ud83e"}'),
  body('a path parameter in the body', '{"text":"x","sessionId":"other"}'),
  unsupported('a form', { 'Content-Type': 'application/x-www-form-urlencoded' }),
  unsupported('text', { 'Content-Type': 'text/plain' }),
  unsupported('another charset', { 'Content-Type': 'application/json; charset=iso-8859-1' }),
  unsupported('a compressed body', { ...JSON_TYPE, 'Content-Encoding': 'gzip' }),
  tooLarge('1 MiB and a byte', () => ({ body: 'x'.repeat(MIB + 1), headers: JSON_TYPE })),
  tooLarge('1 MiB and more without Content-Length', () => ({ body: streamed('x'.repeat(MIB + 1)), headers: JSON_TYPE })),
  tooLarge('8 MiB without Content-Length', () => ({ body: streamed('x'.repeat(8 * MIB)), headers: JSON_TYPE })),
];

test.each(ROWS)('$name: $status $code', async ({ init, status, code }) => {
  await refused('alice', 'POST', `${arena.at().path}/messages`, { status, code }, init());
  await arena.unchanged();
});

describe('addresses', () => {
  const none = '/v1/sessions/none';
  test.each([
    { method: 'GET', path: '/v1/nothing', status: 404, code: 'not_found' },
    { method: 'GET', path: '/v1/sessions/a/b/c/d/e/f', status: 404, code: 'not_found' },
    { method: 'POST', path: `${none}/nothing`, status: 404, code: 'not_found' },
    { method: 'PUT', path: '/v1/sessions', status: 405, code: 'method_not_allowed' },
    { method: 'POST', path: none, status: 405, code: 'method_not_allowed' },
    { method: 'PATCH', path: `${none}/messages`, status: 405, code: 'method_not_allowed' },
    { method: 'GET', path: none, status: 404, code: 'session_not_found' },
    { method: 'GET', path: '/v1/sessions/a%2Fb', status: 404, code: 'session_not_found' },
    { method: 'GET', path: '/v1/sessions/a.b', status: 404, code: 'session_not_found' },
    { method: 'GET', path: `/v1/sessions/${'x'.repeat(65)}`, status: 404, code: 'session_not_found' },
    { method: 'GET', path: '/v1/sessions/%E0%A4%A', status: 400, code: 'invalid_request' },
    { method: 'GET', path: '/v1/sessions/%252e%252e', status: 404, code: 'session_not_found' },
  ] as const)('$method $path: $status $code', async ({ method, path, status, code }) => {
    const answer = await as('alice', method, path);
    const allow = answer.headers.get('Allow');
    expect(allow !== null).toBe(status === 405);
    await expectProblem(answer, { status, code });
  });
});

describe('queries', () => {
  const MALFORMED = ['-1', '1.5', 'x', '', ' 1', '1e3', '0x10', '+1', '2147483648', '9007199254740993', '99999999999999999999'];
  const limits = (path: string, max: number) =>
    ['0', String(max + 1), ...MALFORMED].map(
      (limit) => [`${path}?limit=${encodeURIComponent(limit)}`, 400, 'invalid_request'] as const,
    );
  const rows = [
    ...MALFORMED.map((after) => [`/events?after=${encodeURIComponent(after)}`, 400, 'invalid_request'] as const),
    ...['7', '2147483647'].map((after) => [`/events?after=${after}`, 409, 'epoch_changed'] as const),
    ...['30001', '-1', 'x'].map((wait) => [`/events?wait=${wait}`, 400, 'invalid_request'] as const),
    ['/events?epoch=another', 409, 'epoch_changed'] as const,
    ['/events?epoch=', 409, 'epoch_changed'] as const,
    ...limits('/events', 1_000),
    ...limits('/messages', 100),
    ...limits('/members', 100),
    ...['x', '', 'MS5tZXNzYWdlcy4', '%00', 'a'.repeat(600)].flatMap((cursor) =>
      ['/messages?before', '/messages?after', '/members?cursor'].map(
        (path) => [`${path}=${cursor}`, 400, 'invalid_request'] as const,
      ),
    ),
    ['/messages?parentId=none', 404, 'message_not_found'] as const,
    ['/messages?parentId=a.b', 400, 'invalid_request'] as const,
    ['/messages/none', 404, 'message_not_found'] as const,
    ['/messages/a.b', 404, 'message_not_found'] as const,
    ['/commands/none', 404, 'not_found'] as const,
  ];
  test.each(rows)('%s: %d %s', async (query, status, code) => {
    await refused('alice', 'GET', `${arena.at().path}${query}`, { status, code });
  });

  test('before and after at once: 400', async () => {
    const page = await (await as('alice', 'GET', `${arena.at().path}/messages?limit=1`)).json<Record<string, string>>();
    const query = `before=${page['nextCursor']}&after=${page['previousCursor']}`;
    await refused('alice', 'GET', `${arena.at().path}/messages?${query}`, { status: 400, code: 'invalid_request' });
  });

  test('a cursor of another session or of another list: 400', async () => {
    const other = await EdgeSession.make();
    const { nextCursor } = await (await as('alice', 'GET', `${other.path}/messages?limit=1`)).json<Record<string, string>>();
    for (const at of ['/messages?before', '/members?cursor']) {
      await refused('alice', 'GET', `${arena.at().path}${at}=${nextCursor}`, { status: 400, code: 'invalid_request' });
    }
  });

  test.each(['', '/members', '/messages', '/messages/m-alice', '/messages/a.b', '/events', '/commands/none'])(
    'a stranger learns nothing of %j: 404',
    async (path) => {
      for (const who of ['sam', 'fred', { sub: 'alice', tenant: 'other' }, { sub: 'root', scope: 'admin' }]) {
        await refused(who, 'GET', `${arena.at().path}${path}`, { status: 404, code: 'session_not_found' });
      }
    },
  );
});
