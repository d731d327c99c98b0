import { beforeEach, expect, it, vi } from 'vitest';
import { RoleBook } from '../../../../consumers/pulse/role-book.ts';
import { SYSTEM_TIME } from '../../../../consumers/runtime/time.ts';

let nowMs: number;
let book: RoleBook;

beforeEach(() => {
  nowMs = 1_000;
  book = new RoleBook({ roles: ['history', 'query'], known: ['history', 'query', 'admin'] }, 'me', {
    ...SYSTEM_TIME,
    now: () => nowMs,
  });
});

const history = () => book.report().roles.find(({ role }) => role === 'history');

it('a role is starting until it runs', () => {
  expect(history()).toEqual({ role: 'history', state: 'starting', sinceMs: 1_000 });
  nowMs = 2_000;
  book.running('history');
  nowMs = 3_000;
  book.running('history');
  expect(history()).toEqual({ role: 'history', state: 'running', sinceMs: 2_000 });
  book.running('nobody');
  expect(book.report()).toMatchObject({ v: 1, worker: 'me', rebuilds: [] });
});

it('a store is what the last look said, since it first did', async () => {
  let isWell = true;
  book.storeFailed('history');
  nowMs = 2_000;
  book.storeFailed('history');
  expect(history()?.store).toEqual({ isUp: false, sinceMs: 1_000 });
  book.storeOpened('history', async () => await Promise.resolve(isWell));
  expect(history()?.store).toEqual({ isUp: true, sinceMs: 2_000 });
  nowMs = 3_000;
  await book.probe();
  expect(history()?.store).toEqual({ isUp: true, sinceMs: 2_000 });
  isWell = false;
  await book.probe();
  expect(history()?.store).toEqual({ isUp: false, sinceMs: 3_000 });
});

it('a store that hangs is down, and is not asked again until it has answered', async () => {
  vi.useFakeTimers();
  try {
    let looks = 0;
    let answer = (_isWell: boolean): void => undefined;
    book.storeOpened('history', async () => {
      looks += 1;
      return await new Promise((resolve) => (answer = resolve));
    });
    const probing = book.probe();
    await vi.advanceTimersByTimeAsync(3_000);
    await probing;
    expect(history()?.store?.isUp).toBe(false);
    await book.probe();
    expect(looks).toBe(1);
    answer(true);
    await vi.advanceTimersByTimeAsync(0);
    const again = book.probe();
    answer(true);
    await again;
    expect([looks, history()?.store?.isUp]).toEqual([2, true]);
  } finally {
    vi.useRealTimers();
  }
});
