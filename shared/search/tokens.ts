import { stemmer } from 'stemmer';

/**
 * What of a text can be found. Edge and consumers share it, so that a highlight marks what the index has found: words without
 * case and accents, reduced to their English stem; emoji; and Chinese, Japanese and Korean, which write no spaces, as pairs of
 * characters. Punctuation is nothing but a boundary.
 */

export interface Token {
  /** as the index has it: letters, digits and signs beyond ASCII only */
  term: string;
  /** UTF-16 offsets of what it stands at: a word, or the first character of a pair */
  start: number;
  end: number;
  /** where the term ends: for a pair behind its second character */
  reach: number;
  /** the last character of a run has no second one: `alone` when the run has no other */
  tail?: 'last' | 'alone';
}

/** a longer word is cut, as Lucene's tokenizers do */
export const TERM_CHARS_MAX = 255;

/** code points of the scripts that are found by pairs, with the marks that belong to them */
const PAIRED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3099\u309a\u30fc\uff70\uff9e\uff9f`;
/** soft hyphens and joiners are written inside words */
const WORD = String.raw`[[\p{L}\p{M}\p{Nd}\p{Nl}\u00ad\u200c\u200d]--[${PAIRED}]]+`;
const FINDABLE = new RegExp(
  String.raw`(?<paired>[${PAIRED}]+)|(?<sign>\p{Regional_Indicator}{2}|\p{Extended_Pictographic})|(?<word>${WORD})`,
  'gv',
);

/** letters that no decomposition takes apart, and spellings of one letter */
export const FOLDED_LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ı: 'i',
  ς: 'σ',
  ё: 'е',
};
const FOLDED = new RegExp(`[${Object.keys(FOLDED_LETTERS).join('')}]`, 'gu');
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|\p{Me}/gu;
/** marks of other scripts make other letters */
const LATIN_MARKS = /(?<=\p{Script=Latin})[\u0300-\u036f]+/gu;

/** The tokens of a text, in their order. */
export function* tokensOf(text: string): Generator<Token> {
  for (const match of text.matchAll(FINDABLE)) {
    const [whole] = match;
    const { paired, sign } = match.groups ?? {};
    const start = match.index;
    const end = start + whole.length;
    if (paired !== undefined) {
      yield* pairsOf(paired, start);
      continue;
    }
    const term = sign ?? wordOf(whole);
    if (term !== '') yield { term, start, end, reach: end };
  }
}

function wordOf(word: string): string {
  const plain = word.replace(INVISIBLE, '').toLowerCase().normalize('NFKD').replace(LATIN_MARKS, '').normalize('NFC');
  return stemmer(plain.replace(FOLDED, (letter) => FOLDED_LETTERS[letter] ?? letter)).slice(0, TERM_CHARS_MAX);
}

/** characters as people count them: marks and the parts of a syllable are not apart */
const CHARACTERS = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** One token for each character, so that neighbours are neighbours in the index too. */
function* pairsOf(run: string, start: number): Generator<Token> {
  const characters = [...CHARACTERS.segment(run)].map(({ segment, index }) => ({
    folded: segment.normalize('NFKC'),
    start: start + index,
    end: start + index + segment.length,
  }));
  for (const [at, { folded, ...place }] of characters.entries()) {
    const next = characters[at + 1];
    if (next !== undefined) yield { ...place, term: folded + next.folded, reach: next.end };
    else yield { ...place, term: folded, reach: place.end, tail: at === 0 ? 'alone' : 'last' };
  }
}
