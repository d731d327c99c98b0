import { describe, expect, it } from 'vitest';
import { parseActingFor } from '../../../../shared/contract/acting-for.ts';

describe('parseActingFor', () => {
  it.each([
    ['bob', { id: 'bob', kind: 'user' }],
    ['bob;user', { id: 'bob', kind: 'user' }],
    ['robo;agent', { id: 'robo', kind: 'agent' }],
    [' robo ; system ', { id: 'robo', kind: 'system' }],
    ['a;b;agent', { id: 'a;b', kind: 'agent' }],
    ['a'.repeat(128), { id: 'a'.repeat(128), kind: 'user' }],
  ] as const)('reads %j', (value, expected) => {
    expect(parseActingFor(value)).toEqual(expected);
  });

  it.each(['', ';', ';agent', 'bob;', 'bob;king', 'bob;Agent', 'a b', 'a/b', 'é', 'a'.repeat(129)])('refuses %j', (value) => {
    expect(parseActingFor(value)).toBeUndefined();
  });
});
