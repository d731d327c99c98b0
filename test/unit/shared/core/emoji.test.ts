import { describe, expect, it } from 'vitest';
import { emojiOf } from '../../../../shared/core/emoji.ts';

describe('an emoji', () => {
  it.each(['👍', '❤️', '1️⃣', '#️⃣', '🇩🇪', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '👨‍👩‍👧‍👦', '👍🏽', '🧑🏿‍🚀', '🏳️‍🌈', '©️', ':shipit:', ':+1:', ':a_b-9:'])(
    '%s is one',
    (text) => {
      expect(emojiOf(text)).toBe(text);
    },
  );

  it.each([
    ['❤', '❤️'],
    ['☀', '☀️'],
    ['©', '©️'],
  ])('%s is %s', (bare, kept) => {
    expect(emojiOf(bare)).toBe(kept);
  });

  it.each([
    '',
    ' ',
    'a',
    '1',
    '#',
    'ok',
    '👍👍',
    '👍 ',
    ' 👍',
    '👍x',
    '🇩',
    '🇩🇪🇫',
    '\u200d',
    '\ufe0f',
    '🏽🏽',
    '\ud83d',
    '::',
    ':a b:',
    ':a',
    'a:',
    ':ä:',
    ':a::b:',
    `:${'x'.repeat(63)}:`,
    '👍'.repeat(1_000),
    ':a:\n',
  ])('%j is none', (text) => {
    expect(emojiOf(text)).toBeUndefined();
  });
});
