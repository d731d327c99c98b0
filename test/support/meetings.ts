import { randomFrom, type GeneratedTranscript } from './transcripts.ts';

/** messages and speakers of eight public meetings of some hours: what replay is tried with, at its true size */
const SIZES = [
  [338, 21],
  [245, 17],
  [387, 24],
  [165, 13],
  [132, 8],
  [103, 7],
  [87, 9],
  [169, 6],
] as const;

const WORDS = [
  'the',
  'review',
  'of',
  'a',
  'block',
  'é',
  'should',
  '<b>',
  'not',
  '"relay"',
  'hi!',
  'fees',
  '\\n',
  '漢字',
  '🙂',
  '0x1f',
  'one\u2028line',
];
const NICKS = ['ada', 'b[o]b', 'c`d-e_', 'dan^|{}', "o'neil", '%41', 'Ada', 'zed\\', 'emoji🙂', 'a;user'];
const WORDS_MAX = 40;

/** Eight seeded meetings. Few speakers say most, as in real ones. */
export function generateMeetings(seed: number): GeneratedTranscript[] {
  const random = randomFrom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  return SIZES.map(([count, speakers], at) => {
    const nickOf = (speaker: number): string => NICKS[speaker] ?? `nick_${speaker}`;
    const messages = Array.from({ length: count }, (_, index): [string, string, string] => {
      // everyone says hello first
      const speaker = index < speakers ? index : below(1 + below(speakers));
      const words = Array.from({ length: 1 + below(1 + below(WORDS_MAX)) }, () => WORDS[below(WORDS.length)] ?? '');
      return [`13:${String(Math.floor((index * 60) / count)).padStart(2, '0')}`, nickOf(speaker), words.join(' ')];
    });
    return { session: `meeting ${at + 1}`, messages };
  });
}
