import { expect, it } from 'vitest';
import { letterPage } from '../../../../consumers/admin/letter-page.ts';
import { deadLetter, LETTERS_PAGE_MAX } from '../../../../shared/contract/admin.ts';
import { aLetter, FakeBox } from './fakes.ts';

const inTime = () => ({ untilMs: Date.now() + 60_000 });
const QUERY = { tenant: 'default', limit: 10 };

async function positions(box: FakeBox, query: Partial<Parameters<typeof letterPage>[1]>): Promise<number[]> {
  const seen: number[] = [];
  for (let before: number | undefined; ;) {
    const { items, next } = await letterPage(box, { ...QUERY, ...query, before }, inTime());
    seen.push(...items.map(({ seq = 0 }) => seq));
    if (next === undefined) return seen;
    expect(next).toBeLessThan(before ?? Number.MAX_SAFE_INTEGER);
    before = next;
  }
}

it('an empty stream has an empty page', async () => {
  expect(await letterPage(new FakeBox([]), QUERY, inTime())).toEqual({ items: [] });
});

it('shows what the letter and its payload say', async () => {
  const { items } = await letterPage(new FakeBox([aLetter(7)]), QUERY, inTime());
  const [item] = items;
  expect(deadLetter.parse(item)).toEqual(item);
  expect(item).toMatchObject({
    id: `7-${Date.parse('2026-01-02T03:04:05.678Z').toString(36)}`,
    consumer: 'history',
    reason: 'invalid_event',
    error: 'data: invalid',
    attempts: 1,
    streamSeq: 7,
    firstFailedAt: '2026-01-02T03:04:04.678Z',
    at: '2026-01-02T03:04:05.678Z',
    tenant: 'default',
    sessionId: 's1',
    seq: 7,
  });
});

it('names the correlation id of a command that says none itself', async () => {
  const headers = [
    ['Millrace-Subject', 'millrace.commands.default.s1'] as const,
    ['Millrace-Correlation-Id', 'made-for-it'] as const,
  ];
  const unsound = aLetter(8, { headers, data: new TextEncoder().encode('no json') });
  const { items } = await letterPage(new FakeBox([unsound]), QUERY, inTime());
  expect(items).toMatchObject([{ correlationId: 'made-for-it', sessionId: 's1' }]);
});

it('pages are newest first, without gap or repeat, over holes and for every limit', async () => {
  const kept = Array.from({ length: 500 }, (_none, index) => index + 1).filter((at) => at % 7 === 0 || at > 480);
  const box = new FakeBox(kept.map((at) => aLetter(at)));
  for (const limit of [1, 3, 10, LETTERS_PAGE_MAX]) expect(await positions(box, { limit })).toEqual(kept.toReversed());
});

it('shows one consumer, and one tenant, alone', async () => {
  const box = new FakeBox([
    aLetter(1),
    aLetter(2, { subject: 'millrace.dead.search' }),
    aLetter(3, { tenant: 'acme' }),
    aLetter(4, { headers: [['Millrace-Subject', 'something.else']], data: new Uint8Array() }),
  ]);
  expect(await positions(box, { consumer: 'search' })).toEqual([2]);
  expect(await positions(box, { tenant: 'acme' })).toEqual([3]);
  const { items } = await letterPage(box, QUERY, inTime());
  // whose tenant nobody can tell is the business of `default`
  expect(items.map(({ id }) => id.split('-')[0])).toEqual(['4', '2', '1']);
});

it('a header that the publisher forged says nothing', async () => {
  const letter = aLetter(1, { tenant: 'acme' });
  const forged = {
    ...letter,
    headers: [['Millrace-Subject', 'millrace.events.default.message.created.s9'] as const, ...letter.headers],
  };
  expect((await letterPage(new FakeBox([forged]), QUERY, inTime())).items).toEqual([]);
  const { items } = await letterPage(new FakeBox([forged]), { ...QUERY, tenant: 'acme' }, inTime());
  expect(items).toMatchObject([{ tenant: 'acme', sessionId: 's1' }]);
});

it('many holes cost few readings, and what the time does not suffice for is the next page', async () => {
  const box = new FakeBox([aLetter(1), aLetter(100_000)]);
  expect(await positions(box, {})).toEqual([100_000, 1]);
  expect(box.calls.length).toBeLessThan(40);
  const page = await letterPage(box, QUERY, { untilMs: Date.now() });
  expect(page).toEqual({ items: [], next: 100_001 });
});

it('a large payload is not looked into', async () => {
  const big = new Uint8Array(65 * 1024).fill(32);
  const { items } = await letterPage(new FakeBox([aLetter(1, { data: big, bytes: big.length })]), QUERY, inTime());
  expect(items[0]).toMatchObject({ bytes: big.length, sessionId: 's1' });
  expect(items[0]).not.toHaveProperty('seq');
});
