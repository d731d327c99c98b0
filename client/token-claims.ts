import { claimsOf, userIn, type User } from './net/token-source.ts';

/** Whose token this is by its own words, which only the server can verify; undefined when it does not say. */
export function userOf(token: string): User | undefined {
  return userIn(claimsOf(token));
}

/** What a token allows by its own words: to show what there is to use, never to decide what may be. */
export function scopesOf(token: string): readonly string[] {
  const { scope } = claimsOf(token);
  return typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
}

/** When a token expires by its own words, in epoch ms; undefined when it does not say. */
export function expiryMsOf(token: string): number | undefined {
  const { exp } = claimsOf(token);
  return typeof exp === 'number' ? exp * 1_000 : undefined;
}
