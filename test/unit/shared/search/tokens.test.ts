import { describe, expect, it } from 'vitest';
import { TERM_CHARS_MAX, tokensOf } from '../../../../shared/search/tokens.ts';

const termsOf = (text: string): string[] => [...tokensOf(text)].map(({ term }) => term);

describe('the tokens of a text', () => {
  it.each([
    ["The Café was RUNNING; don't!", ['the', 'cafe', 'wa', 'run', 'don', 't']],
    ['e\u0301te\u0301 été Straße łódź', ['et', 'et', 'strass', 'lodz']],
    ['foo_bar example.com 0x1f ＡＢＣ', ['foo', 'bar', 'exampl', 'com', '0x1f', 'abc']],
    ['ΟΔΟΣ οδός ещё й й', ['οδοσ', 'οδόσ', 'еще', 'й', 'й']],
    ['hy\u00adphen zero\u200cwidth', ['hyphen', 'zerowidth']],
    ['東京都', ['東京', '京都', '都']],
    ['x東y', ['x', '東', 'y']],
    ['ｶﾞｲﾄﾞ 한국', ['ガイ', 'イド', 'ド', '한국', '국']],
    ['🙂🙂 👍🏽 ❤️ 👨‍👩‍👧 🇩🇪', ['🙂', '🙂', '👍', '❤', '👨', '👩', '👧', '🇩🇪']],
    ['!? … \u0000 \ufe0f ', []],
    ['x'.repeat(1_000), ['x'.repeat(TERM_CHARS_MAX)]],
  ])('%j', (text, terms) => {
    expect(termsOf(text)).toEqual(terms);
  });

  it('stand where the text has them', () => {
    const text = 'a Café, 東京都ﾄﾞ 🙂';
    const tokens = [...tokensOf(text)];
    expect(tokens.map(({ start, end }) => text.slice(start, end))).toEqual(['a', 'Café', '東', '京', '都', 'ﾄﾞ', '🙂']);
    expect(tokens.map(({ start, reach }) => text.slice(start, reach))).toEqual(['a', 'Café', '東京', '京都', '都ﾄﾞ', 'ﾄﾞ', '🙂']);
    expect(tokens.map(({ tail }) => tail)).toEqual([undefined, undefined, undefined, undefined, undefined, 'last', undefined]);
  });
});
