import { describe, expect, it } from 'vitest';
import { parseQuery } from '../../../../shared/search/query.ts';

function clausesOf(query: string): string[] {
  const parsed = parseQuery(query);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.clauses.map(({ terms, isPrefix }) => `${terms.join(' ')}${isPrefix ? '*' : ''}`);
}

describe('a query', () => {
  it.each([
    ['Two words', ['two', 'word']],
    ['a "Quick, brown fox" b', ['a', 'quick brown fox', 'b']],
    ['“curly quotes” „too“', ['curli quot', 'too']],
    ['"not closed', ['not close']],
    ['mid"dle part"', ['mid', 'dle part']],
    ['example.com -x', ['exampl com', 'x']],
    ['twice Twice "twice"', ['twice']],
    ['東京都 東', ['東京 京都', '東*']],
    ['"東京 tower"', ['東京 京 tower']],
    ['"a 東"', ['a 東*']],
    ['"" !! x', ['x']],
  ])('%s', (query, clauses) => {
    expect(clausesOf(query)).toEqual(clauses);
  });

  it.each([
    ['', 'at least one word'],
    [' "" !?', 'at least one word'],
    ['a'.repeat(501), '500 code points'],
    ['a b '.repeat(100), undefined],
    [Array.from({ length: 65 }, (_, at) => `w${at}`).join(' '), '64 words'],
    ['🙂'.repeat(64), undefined],
    ['東'.repeat(66), '64 words'],
  ])('%j has its bounds', (query, detail) => {
    const parsed = parseQuery(query);
    if (detail === undefined) expect(parsed.ok).toBe(true);
    else expect(parsed).toEqual({ ok: false, detail: expect.stringContaining(detail) as string });
  });
});
