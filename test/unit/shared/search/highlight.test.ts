import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEARCH_HIGHLIGHT_CHARS_MAX } from '../../../../shared/core/limits.ts';
import { hasLoneSurrogate } from '../../../../shared/core/text.ts';
import { highlight } from '../../../../shared/search/highlight.ts';
import { parseQuery } from '../../../../shared/search/query.ts';

function marked(query: string, text: string): string {
  const parsed = parseQuery(query);
  if (!parsed.ok) throw new Error(parsed.detail);
  return highlight(text, parsed.clauses);
}

/** What a browser would show: without marks, entities read. */
function shown(html: string): string {
  const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
  return html.replace(/<\/?mark>/g, '').replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? '');
}

describe('a highlight', () => {
  it.each([
    ['cafe', 'The Café, the CAFÉS', 'The <mark>Café</mark>, the <mark>CAFÉS</mark>'],
    ['"was running" late', 'running was running late', 'running <mark>was</mark> <mark>running</mark> <mark>late</mark>'],
    ['b', '<b>&"\'</b>', '&lt;<mark>b</mark>&gt;&amp;&quot;&#39;&lt;/<mark>b</mark>&gt;'],
    ['京都', '東京都です', '東<mark>京都</mark>です'],
    ['京', '東京都 京', '東<mark>京</mark>都 <mark>京</mark>'],
    ['"京都 大"', '東京都 大阪', '東<mark>京都</mark> <mark>大</mark>阪'],
    ['東京都', '東京都', '<mark>東京都</mark>'],
    ['nothing', 'of <it>', 'of &lt;it&gt;'],
  ])('of %s in %s', (query, text, html) => {
    expect(marked(query, text)).toBe(html);
  });

  it('is the part of a long text where most was found', () => {
    const text = `${'hay '.repeat(100)}needle ${'hay '.repeat(200)}needle thread needle ${'hay '.repeat(100)}`;
    const html = marked('needle thread', text.replaceAll('hay thread', 'hay'));
    expect(html).toMatch(/^…(?:hay |ay |y | )+.*<mark>needle<\/mark> <mark>thread<\/mark> <mark>needle<\/mark>.*…$/);
    expect(marked('nothing', text)).toMatch(/^hay .*…$/);
    expect(marked('x'.repeat(300), 'a '.repeat(300) + 'x'.repeat(300))).toMatch(/^…x+…?$/);
  });

  it('is safe, short, and says nothing that the text does not', () => {
    const piece = fc.constantFrom(
      'needle',
      '<b>',
      '&amp;',
      '🙂',
      '東京',
      'e\u0301',
      ' ',
      '"',
      "'",
      '</mark>',
      'needles',
      'x'.repeat(50),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join('');
        const html = marked('needle 東京 "needle needle"', text);
        expect(html.replace(/<\/?mark>/g, '')).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/);
        expect(html.replace(/<mark>[^<]+<\/mark>/g, '')).not.toContain('<');
        const plain = shown(html).replace(/^…/, '').replace(/…$/, '');
        expect(text).toContain(plain);
        expect(plain.length).toBeLessThanOrEqual(SEARCH_HIGHLIGHT_CHARS_MAX);
        expect(hasLoneSurrogate(plain)).toBe(false);
        if (text.length <= SEARCH_HIGHLIGHT_CHARS_MAX) expect(plain).toBe(text);
      }),
    );
  });
});
