import { describe, expect, it } from 'vitest';
import { piecesOf, safeHref, tokensOf } from '../../../web/chat/markdown-tree.ts';

/** generous: a parser that looks back without end takes minutes */
const PARSE_MS_MAX = 5_000;

describe('a text of others', () => {
  it.each([
    ['quotes in quotes', '>'.repeat(20_000)],
    ['stars', '*'.repeat(20_000)],
    ['open brackets', '['.repeat(20_000)],
    ['lists in lists', '- '.repeat(10_000)],
    ['underlines', '_a'.repeat(9_999)],
    ['half links', '[a](b'.repeat(3_999)],
    ['half code', '`a'.repeat(9_999)],
    ['an address that is none', `${'a.'.repeat(9_999)}@`],
    ['deeper and deeper', Array.from({ length: 190 }, (_, at) => `${' '.repeat(at)}- a`).join('\n')],
    ['very long', 'a *b* '.repeat(5_000)],
  ])('of %s ends soon, as tokens or as it came', (_name, text) => {
    const startedAtMs = performance.now();
    const tokens = tokensOf(text);
    expect(tokens === undefined || tokens.length > 0).toBe(true);
    expect(performance.now() - startedAtMs).toBeLessThan(PARSE_MS_MAX);
  });

  it('is parsed where it is what people write', () => {
    expect(
      tokensOf('**a** `b`\n\n> c\n\n- d')
        ?.map(({ type }) => type)
        .filter((type) => type !== 'space'),
    ).toEqual(['paragraph', 'blockquote', 'list']);
  });

  it.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    '/relative',
    '//host/path',
    'blob:x',
  ])('leads nowhere by %s', (href) => expect(safeHref(href)).toBeUndefined());

  it.each(['https://example.com/a?b#c', 'http://example.com', 'mailto:a@example.com'])('may lead to %s', (href) =>
    expect(safeHref(href)).toBe(href),
  );

  it('shows mentions of those who are meant, by the longest name, and no other word with an @', () => {
    const names = new Map([
      ['Ann', 'ann'],
      ['Anna Bell', 'anna'],
      ['a.(b', 'odd'],
    ]);
    const found = piecesOf('@Ann, @anna bell and @Annabel, mail@Ann.org? @a.(b', names).filter(
      ({ userId }) => userId !== undefined,
    );
    expect(found.map(({ text, userId }) => [text, userId])).toEqual([
      ['@Ann', 'ann'],
      ['@anna bell', 'anna'],
      ['@Ann', 'ann'],
      ['@a.(b', 'odd'],
    ]);
  });
});
