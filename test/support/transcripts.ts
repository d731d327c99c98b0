/** Seeded transcripts: the same seed is the same conversation, on every machine. */
export interface GeneratedTranscript {
  session: string;
  messages: [time: string, nick: string, text: string][];
}

/** characters of real nicks, and of texts that a careless system would change */
const NICKS = ['ada', 'b[o]b', 'c`d-e_', 'dan^|{}', "o'neil", '%41', 'Ada', 'zed\\', 'emoji🙂', 'a;user'];
const TEXTS = [
  'hi',
  '  spaces kept  ',
  'line\nbreak',
  '<b>not markup</b>',
  '"quoted" \\ back',
  '🙂 é ñ 漢字',
  '\u2028',
  '{"json": null}',
  '\t.',
];

/** mulberry32: small, and good enough to choose words with */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function generateTranscripts(seed: number, sessions: number, messagesEach: number): GeneratedTranscript[] {
  const random = randomFrom(seed);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  return Array.from({ length: sessions }, (_, at) => {
    const nicks = NICKS.slice(at % 3, (at % 3) + 3 + Math.floor(random() * 5));
    const messages = Array.from({ length: messagesEach }, (__, index): [string, string, string] => {
      const time = `${String(10 + (Math.floor(index / 60) % 12)).padStart(2, '0')}:${String(index % 60).padStart(2, '0')}`;
      return [time, pick(nicks), random() < 0.05 ? 'long '.repeat(Math.floor(random() * 2_000) + 1) : `${pick(TEXTS)} ${index}`];
    });
    return { session: `talk ${at}`, messages };
  });
}
