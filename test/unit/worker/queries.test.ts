import { describe, expect, test, vi } from 'vitest';
import type { StoredMessage } from '../../../shared/contract/internal.ts';
import { QUERY_SUBJECT } from '../../../shared/contract/subjects.ts';
import type { PageItem } from '../../../worker/session/api.ts';
import { poolSize, uplinkName } from '../../../worker/uplink/pool.ts';
import { event, pageItem, problem, world } from './support.ts';

const stored = (seq: number, more: Partial<StoredMessage> = {}): StoredMessage => ({
  id: `m${seq}`,
  seq,
  author: 'alice',
  role: 'user',
  text: `stored ${seq}`,
  status: 'completed',
  mentions: ['bob'],
  metadata: { from: 'store' },
  version: `${seq}000`,
  ...more,
});
const BODY: NonNullable<PageItem['body']> = { text: 'of the tail', status: 'completed', metadata: {} };

/** A store that holds these rows and gives at most `atOnce` of them in one answer. */
function withRows(it: ReturnType<typeof world>, rows: StoredMessage[], atOnce = 100) {
  it.uplink.request.mockImplementation(async (subject, payload) => {
    const { seqs } = JSON.parse(payload) as { seqs: number[] };
    expect(subject).toBe(QUERY_SUBJECT);
    const messages = rows.filter((row) => seqs.includes(row.seq)).slice(0, atOnce);
    return { ok: true, payload: JSON.stringify({ ok: true, op: 'messages', messages }) };
  });
}

async function list(it: ReturnType<typeof world>, items: PageItem[]) {
  it.session.messages.mockResolvedValue({ ok: true, value: { items, nextCursor: 'n', previousCursor: 'p' } });
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const response = await it.as('GET', '/v1/sessions/s1/messages');
  log.mockRestore();
  return response;
}

async function texts(response: Response): Promise<string[]> {
  expect(response.status).toBe(200);
  return ((await response.json()) as { items: { text: string }[] }).items.map((item) => item.text);
}

describe('parameters', () => {
  test.each([
    ['/members', 'members', { limit: 50 }],
    ['/members?limit=100&cursor=c%2Fd&x=1', 'members', { limit: 100, cursor: 'c/d' }],
    ['/messages', 'messages', { limit: 50 }],
    ['/messages?limit=1&before=b&parentId=m1', 'messages', { limit: 1, before: 'b', parentId: 'm1' }],
    ['/messages?after=a', 'messages', { limit: 50, after: 'a' }],
    ['/traces', 'traces', { limit: 50 }],
    ['/traces?limit=100&cursor=c', 'traces', { limit: 100, cursor: 'c' }],
    ['/events', 'events', { after: 0, limit: 100 }],
    ['/events?after=2147483647&limit=1000&epoch=e&wait=0', 'events', { after: 2_147_483_647, limit: 1000, epoch: 'e' }],
  ] as const)('%s', async (path, method, query) => {
    const { as, session } = world();
    expect((await as('GET', `/v1/sessions/s1${path}`)).status).toBe(200);
    expect(session[method].mock.calls[0]?.[2]).toEqual(query);
  });
  const bad = [
    '/members?limit=0',
    '/members?limit=101',
    '/members?cursor=',
    '/messages?limit=101',
    '/messages?limit=0',
    '/messages?limit=1e1',
    '/messages?limit=',
    '/messages?before=a&after=b',
    '/messages?before=',
    '/messages?parentId=a%20b',
    `/messages?after=${'a'.repeat(513)}`,
    '/events?after=-1',
    '/events?after=2147483648',
    '/events?after=x',
    '/events?after=',
    '/events?limit=1001',
    '/events?limit=0',
    '/events?wait=30001',
  ];
  test.each(bad)('%s is 400', async (path) => {
    expect((await problem(await world().as('GET', `/v1/sessions/s1${path}`))).code).toBe('invalid_request');
  });
  test('a malformed message or command id is unknown', async () => {
    const { as, session } = world();
    expect((await problem(await as('GET', '/v1/sessions/s1/messages/a%20b'))).code).toBe('message_not_found');
    expect((await problem(await as('GET', '/v1/sessions/s1/commands/a%20b'))).code).toBe('not_found');
    session.describe.mockResolvedValue({ ok: false, refusal: { code: 'session_not_found', detail: '' } });
    expect((await problem(await as('GET', '/v1/sessions/s1/messages/a%20b'))).code).toBe('session_not_found');
  });
});

describe('messages', () => {
  test('of the tail need no store', async () => {
    const it = world();
    const response = await list(it, [
      pageItem(
        1,
        { body: { ...BODY, toolCallId: 't', metadata: { a: 1 } }, replyCount: 2 },
        { parentId: 'm0', authorName: 'Alice' },
      ),
    ]);
    expect(await response.json()).toEqual({
      items: [
        {
          id: 'm1',
          sessionId: 's1',
          seq: 1,
          author: { id: 'alice', name: 'Alice', kind: 'user' },
          role: 'user',
          text: 'of the tail',
          status: 'completed',
          parentId: 'm0',
          replyCount: 2,
          toolCallId: 't',
          mentions: ['bob'],
          reactions: [],
          createdAt: '1970-01-01T00:00:01.000Z',
          metadata: { a: 1 },
          attachments: [],
        },
      ],
      nextCursor: 'n',
      previousCursor: 'p',
    });
    expect(it.uplink.request).not.toHaveBeenCalled();
  });
  test('no longer in the tail come from the store, in the order of the page', async () => {
    const it = world();
    withRows(it, [stored(1), stored(2)]);
    expect(await texts(await list(it, [pageItem(3, { body: BODY }), pageItem(2), pageItem(1)]))).toEqual([
      'of the tail',
      'stored 2',
      'stored 1',
    ]);
  });
  test('that did not fit one answer are asked for again', async () => {
    const it = world();
    withRows(it, [stored(1), stored(2), stored(3)], 1);
    expect(await texts(await list(it, [pageItem(3), pageItem(2), pageItem(1)]))).toEqual(['stored 3', 'stored 2', 'stored 1']);
  });
  test('a newer text of the tail wins over the store', async () => {
    const it = world();
    withRows(it, [stored(1)]);
    const response = await list(it, [pageItem(1, { newerText: 'edited' }, { clock: '9000', editedAt: 9 })]);
    const [item] = ((await response.json()) as { items: Record<string, unknown>[] }).items;
    expect(item).toMatchObject({ text: 'edited', metadata: { from: 'store' }, editedAt: '1970-01-01T00:00:00.009Z' });
  });
  test('a row written after the index was read is the truth', async () => {
    const it = world();
    withRows(it, [
      stored(2, { version: '99000', text: 'later', editedAt: 'e' }),
      stored(1, { version: '99000', text: '', deletedAt: 'd' }),
    ]);
    const response = await list(it, [pageItem(2, { newerText: 'edited' }), pageItem(1)]);
    const { items } = (await response.json()) as { items: Record<string, unknown>[] };
    expect(items[0]).toMatchObject({ text: 'later', editedAt: 'e' });
    expect(items[1]).toMatchObject({ text: '', mentions: [], metadata: {}, deletedAt: 'd' });
  });
  test('deleted ones stay as rows, with nothing in them', async () => {
    const it = world();
    const response = await list(it, [pageItem(1, { body: { ...BODY, toolCallId: 't', metadata: { a: 1 } } }, { deletedAt: 5 })]);
    const [item] = ((await response.json()) as { items: Record<string, unknown>[] }).items;
    expect(item).toMatchObject({ text: '', mentions: [], metadata: {}, deletedAt: '1970-01-01T00:00:00.005Z' });
    expect(item).not.toHaveProperty('toolCallId');
  });
  const unavailable: [string, (it: ReturnType<typeof world>) => void][] = [
    ['the store is out of reach', () => undefined],
    ['the Uplink fails', (it) => it.uplink.request.mockRejectedValue(new Error('gone'))],
    ['a row is missing', (it) => withRows(it, [stored(2)])],
    ['a row is older than the index', (it) => withRows(it, [stored(1, { version: '999' }), stored(2)])],
    ['a row is of another message', (it) => withRows(it, [stored(1, { id: 'other' }), stored(2)])],
    [
      'the answer is a refusal',
      (it) => it.uplink.request.mockResolvedValue({ ok: true, payload: '{"ok":false,"code":"unavailable","detail":""}' }),
    ],
    ['the answer is nonsense', (it) => it.uplink.request.mockResolvedValue({ ok: true, payload: '{' })],
    [
      'the answer is to another question',
      (it) => it.uplink.request.mockResolvedValue({ ok: true, payload: '{"ok":true,"op":"health"}' }),
    ],
  ];
  test.each(unavailable)('are 503, never a part, when %s', async (_, arrange) => {
    const it = world();
    arrange(it);
    const response = await list(it, [pageItem(2), pageItem(1)]);
    expect((await problem(response)).code).toBe('unavailable');
    expect(response.headers.get('Retry-After')).toBe('1');
  });
  test('one alone is read the same way', async () => {
    const it = world();
    withRows(it, [stored(1)]);
    expect(((await (await it.as('GET', '/v1/sessions/s1/messages/m1')).json()) as { text: string }).text).toBe('stored 1');
  });
});

describe('events', () => {
  const read = async (
    archived: { from: number; to: number } | undefined,
    archive: object[],
    tail: number[],
    more: { erased?: string[]; purged?: string[]; limit?: number } = {},
  ) => {
    const it = world();
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    it.session.events.mockResolvedValue({
      ok: true,
      value: {
        ...(archived === undefined ? {} : { archived }),
        erasedSubjects: more.erased ?? [],
        erasedTraces: more.purged ?? [],
        events: tail.map((seq) => event(seq)),
        head: 9,
        epoch: 'x',
      },
    });
    it.uplink.request.mockResolvedValue({ ok: true, payload: JSON.stringify({ ok: true, op: 'events', events: archive }) });
    const response = await it.as('GET', `/v1/sessions/s1/events?limit=${more.limit ?? 100}`);
    log.mockRestore();
    return { it, response };
  };
  const seqs = async (response: Response) =>
    ((await response.json()) as { items: { seq: number }[] }).items.map((item) => item.seq);

  test('of the tail need no archive', async () => {
    const { it, response } = await read(undefined, [], [1, 2]);
    expect(await response.json()).toEqual({ items: [event(1), event(2)], head: 9, epoch: 'x' });
    expect(it.uplink.request).not.toHaveBeenCalled();
  });
  test('of the archive come first, whole and contiguous', async () => {
    const { response } = await read({ from: 1, to: 2 }, [event(1), event(2)], [3, 4]);
    expect(await seqs(response)).toEqual([1, 2, 3, 4]);
  });
  test('a page that the archive cut ends there', async () => {
    const { response } = await read({ from: 1, to: 3 }, [event(1), event(2)], [4]);
    expect(await seqs(response)).toEqual([1, 2]);
  });
  test('at most limit, and at most 512 KiB', async () => {
    expect(await seqs((await read({ from: 1, to: 2 }, [event(1), event(2)], [3], { limit: 2 })).response)).toEqual([1, 2]);
    const big = (seq: number) => event(seq, { data: { id: 'm', text: 'x'.repeat(200_000) } } as never);
    expect(await seqs((await read({ from: 1, to: 3 }, [big(1), big(2), big(3)], [])).response)).toEqual([1, 2]);
  });
  test('what a deletion erased does not come back by the archive, and nothing else is erased', async () => {
    const archive = [
      event(1, { subject: 'm' }),
      event(2, { subject: 'm', type: 'message.updated' }),
      event(3, { subject: 'm', type: 'member.added' }),
      event(4, { subject: 'm', type: 'message.deleted' }),
    ];
    const { response } = await read({ from: 1, to: 4 }, archive, [], { erased: ['m'] });
    const { items } = (await response.json()) as { items: { data: { erased?: boolean } }[] };
    expect(items.map((item) => item.data.erased === true)).toEqual([true, true, false, false]);
    expect(items[0]?.data).toEqual({ id: 'm', erased: true });
  });
  test('what a purge erased does not come back by the archive, and no message of the same id is erased', async () => {
    const types = ['trace.started', 'trace.span', 'message.created', 'trace.finished', 'trace.purged'] as const;
    const archive = types.map((type, index) => event(1 + index, { type, subject: 't' }));
    const { response } = await read({ from: 1, to: 5 }, archive, [], { purged: ['t'] });
    const { items } = (await response.json()) as { items: { data: { erased?: boolean } }[] };
    expect(items.map((item) => item.data.erased === true)).toEqual([true, true, false, true, false]);
  });
  test.each([
    ['nothing', []],
    ['a hole', [event(1), event(3)]],
    ['a late start', [event(2)]],
    ['another session', [event(1, { sessionid: 's2' })]],
    ['another tenant', [event(1, { tenant: 'acme' })]],
  ])('an archive that answers %s is 503', async (_, archive) => {
    expect((await problem((await read({ from: 1, to: 3 }, archive, [])).response)).code).toBe('unavailable');
  });
});

describe('the Uplink of a session', () => {
  test('is always the same, and all are used', () => {
    expect(uplinkName('default', 's1', 4)).toBe(uplinkName('default', 's1', 4));
    const names = new Set(Array.from({ length: 200 }, (_, i) => uplinkName('default', `s${i}`, 4)));
    expect([...names].toSorted()).toEqual(['uplink-0', 'uplink-1', 'uplink-2', 'uplink-3']);
  });
  test.each([
    [undefined, 4],
    ['8', 8],
    ['0', 4],
    ['x', 4],
    ['1000', 64],
  ])('UPLINKS %s makes a pool of %i', (value, size) => {
    expect(poolSize(value === undefined ? {} : { UPLINKS: value })).toBe(size);
  });
});
