import { describe, expect, test } from 'vitest';
import { Typing, TYPING_MS } from '../../../../worker/session/typing.ts';

const bob = { id: 'bob', kind: 'user' };
const NOW = 1_000_000;

describe('typing', () => {
  test('is passed on, renewed and ended', () => {
    const typing = new Typing();
    expect(typing.take(bob, true, NOW)).toMatchObject({ name: 'typing', user: bob, data: { active: true } });
    expect(typing.take(bob, true, NOW + 3_000)).toMatchObject({ data: { active: true } });
    expect(typing.current(NOW + 3_000 + TYPING_MS - 1)).toHaveLength(1);
    expect(typing.take(bob, false, NOW + 4_000)).toMatchObject({ data: { active: false } });
    expect(typing.current(NOW + 4_000)).toEqual([]);
  });

  test('is told to who joins with the time at which it was said', () => {
    const typing = new Typing();
    const said = typing.take(bob, true, NOW);
    expect(typing.current(NOW + 5_000)).toEqual([said]);
    const again = typing.take(bob, true, NOW + 6_000);
    expect(typing.current(NOW + 7_000)).toEqual([again]);
    expect(again?.at).not.toBe(said?.at);
  });

  test('ends by itself', () => {
    const typing = new Typing();
    typing.take(bob, true, NOW);
    expect(typing.current(NOW + TYPING_MS)).toEqual([]);
    expect(typing.take(bob, false, NOW + TYPING_MS)).toBeUndefined();
    expect(typing.left('bob', NOW + TYPING_MS)).toBeUndefined();
  });

  test('that nobody began does not end', () => {
    expect(new Typing().take(bob, false, NOW)).toBeUndefined();
    expect(new Typing().left('bob', NOW)).toBeUndefined();
  });

  test('ends with the last socket', () => {
    const typing = new Typing();
    typing.take(bob, true, NOW);
    expect(typing.left('bob', NOW + 1)).toMatchObject({ data: { active: false } });
    expect(typing.current(NOW + 1)).toEqual([]);
  });

  test('of one user is passed on so often and no more, whatever is sent', () => {
    const typing = new Typing();
    let passed = 0;
    for (let at = 0; at < 2_000; at += 5) if (typing.take(bob, at % 2 === 0, NOW + at) !== undefined) passed += 1;
    expect(passed).toBeGreaterThan(5);
    expect(passed).toBeLessThanOrEqual(10);
    expect(typing.take({ id: 'ann', kind: 'agent' }, true, NOW + 2_000)).toBeDefined();
  });

  test('remembers so many and no more', () => {
    const typing = new Typing();
    for (let at = 0; at < 1_500; at += 1) typing.take({ id: `u${at}`, kind: 'user' }, true, NOW);
    expect(typing.current(NOW)).toHaveLength(1_000);
    expect(typing.current(NOW).at(-1)).toMatchObject({ user: { id: 'u1499' } });
  });
});
