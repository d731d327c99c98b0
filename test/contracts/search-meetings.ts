import { expect } from 'vitest';
import { searchWriteOf } from '../../consumers/projections/search.ts';
import type { SearchStore } from '../../consumers/stores/search/port.ts';
import { keyOf, type SearchPlace } from '../../shared/contract/search.ts';
import { SEARCH_PAGE_MAX } from '../../shared/core/limits.ts';
import { parseQuery } from '../../shared/search/query.ts';
import { generateMeetings } from '../support/meetings.ts';
import { randomFrom } from '../support/transcripts.ts';
import { anEvent } from './events.ts';

/** Eight meetings of public record's size, and what a naive scan finds in them. */

export interface SaidThing {
  /** session and message, as the index names a hit */
  key: string;
  words: readonly string[];
}

/** Knows nothing of the index's rules: letters, digits and signs, without case and accents. */
export function naiveWords(text: string): string[] {
  return (
    text
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .match(/[\p{L}\p{Nd}]+|\p{So}/gu) ?? []
  );
}

/** Keys of the things that have these words side by side. */
export function naiveScan(said: readonly SaidThing[], words: readonly string[]): string[] {
  return said
    .filter((thing) => thing.words.some((_, at) => words.every((word, index) => thing.words[at + index] === word)))
    .map(({ key }) => key);
}

/** Phrases of 2 to 4 words, each from somewhere in what was said. */
export function randomPhrases(said: readonly SaidThing[], many: number, seed: number): string[][] {
  const random = randomFrom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  const long = said.filter(({ words }) => words.length >= 4);
  return Array.from({ length: many }, () => {
    const { words } = long[below(long.length)] ?? { words: [] };
    const at = below(words.length - 3);
    return words.slice(at, at + 2 + below(3));
  });
}

const WRITTEN_AT_ONCE = 100;

/** Writes the meetings and looks for every word that was said in them, and for so many random phrases. */
export async function findMeetings(
  store: SearchStore,
  settle: () => Promise<void>,
  seed: number,
  phrases: number,
): Promise<void> {
  const events = generateMeetings(seed).flatMap(({ messages }, meeting) =>
    messages.map(([, , text], at) =>
      anEvent('message.created', { seq: at + 2, sessionId: `meeting-${meeting}`, data: { id: `m${at}`, text } }),
    ),
  );
  const writes = events.flatMap((event) => searchWriteOf(event) ?? []);
  for (let at = 0; at < writes.length; at += WRITTEN_AT_ONCE) await store.write(writes.slice(at, at + WRITTEN_AT_ONCE));
  await settle();
  const said = events.map(({ sessionid, data }): SaidThing => ({
    key: keyOf({ sessionId: sessionid, messageId: data.id }),
    words: naiveWords(data.text),
  }));
  const vocabulary = [...new Set(said.flatMap(({ words }) => words))];
  expect(vocabulary.length).toBeGreaterThan(15);
  const wanted = [...vocabulary.map((word) => [word]), ...randomPhrases(said, phrases, seed)];
  for (const words of wanted) {
    const expected = naiveScan(said, words);
    const { keys, total } = await findAll(store, `"${words.join(' ')}"`);
    expect([words, total, keys.toSorted()]).toEqual([words, expected.length, expected.toSorted()]);
  }
}

async function findAll(store: SearchStore, q: string): Promise<{ keys: string[]; total: number }> {
  const query = parseQuery(q);
  if (!query.ok) throw new Error(query.detail);
  const sessions = Array.from({ length: 8 }, (_, meeting) => `meeting-${meeting}`);
  const keys: string[] = [];
  for (let after: SearchPlace | undefined; ;) {
    const question = {
      tenant: 'default',
      clauses: query.clauses,
      sessions,
      limit: SEARCH_PAGE_MAX,
      ...(after === undefined ? {} : { after }),
    };
    const { hits, more, total } = await store.find(question);
    keys.push(...hits.map(keyOf));
    after = hits.at(-1);
    if (!more || after === undefined) return { keys, total };
  }
}
