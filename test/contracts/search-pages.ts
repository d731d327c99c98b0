import { expect } from 'vitest';
import { searchWriteOf } from '../../consumers/projections/search.ts';
import type { Found, SearchQuestion, SearchStore } from '../../consumers/stores/search/port.ts';
import { keyOf, type SearchHit } from '../../shared/contract/search.ts';
import { SEARCH_PAGE_MAX } from '../../shared/core/limits.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent, shuffledAndRepeated } from './events.ts';

/** Pages of a search between which others write. */

const SAID = 40;
const PAGE = 7;

const sentAt = (ms: number): string => new Date(1_700_000_000_000 + ms).toISOString();

function say(seq: number, sessionId: string, text: string, createdAt: string): Event {
  return anEvent('message.created', { seq, sessionId, data: { id: `m${seq}`, text, createdAt } });
}

/** Of many scores, four of each moment, in two sessions, and indexed in no order. */
function saidBefore(seed: number): Event[] {
  const said = Array.from({ length: SAID }, (_, at) =>
    say(at + 1, `s${(at % 2) + 1}`, `ostrich ${'pumpkin '.repeat(at % 7)}`, sentAt(Math.floor(at / 4))),
  );
  const luck = Array.from({ length: 60 }, (_, at) => (at * 7_919 + seed) % 10_000);
  return shuffledAndRepeated(said, luck).flat();
}

/** From `seq` on: what changes the weight of a word, what is before the first page, and an edit, which moves no hit. */
function saidMeanwhile(seq: number, edited: SearchHit): Event[] {
  const others = Array.from({ length: 20 }, (_, at) => say(seq + at, 'elsewhere', 'zebra '.repeat(seq + at), sentAt(seq)));
  const newer = [21, 22, 23].map((at) => say(seq + at, 's1', 'ostrich '.repeat(at - 20), sentAt(1_000 + seq + at)));
  const { sessionId, messageId: id, seq: messageSeq, sentAtMs } = edited;
  const data = { id, messageSeq, text: 'ostrich edited', createdAt: new Date(sentAtMs).toISOString() };
  return [...others, ...newer, anEvent('message.updated', { seq: seq + 24, sessionId, data })];
}

/** Every hit that there was comes once and in its order, but what is deleted before its page comes. */
export async function pageWhileWritten(store: SearchStore, settle: () => Promise<void>, seed: number): Promise<void> {
  const write = async (events: readonly Event[]): Promise<void> => {
    expect(await store.write(events.flatMap((event) => searchWriteOf(event) ?? []))).toEqual(new Map());
    await settle();
  };
  const find = async (more: Partial<SearchQuestion>): Promise<Found> => {
    const clauses = [{ text: 'ostrich', terms: ['ostrich'], isPrefix: false }];
    return await store.find({ tenant: 'default', sessions: ['s1', 's2'], clauses, limit: SEARCH_PAGE_MAX, ...more });
  };
  await write(saidBefore(seed));
  const { hits } = await find({});
  const expected = hits.map(keyOf);
  expect(new Set(expected).size).toBe(SAID);
  const [newest] = hits;
  if (newest === undefined) throw new Error('nothing was found');
  const paged: string[] = [];
  let after: SearchQuestion['after'];
  for (let seq = 100; ; seq += 100) {
    const page = await find({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    paged.push(...page.hits.map(keyOf));
    expect(paged).toEqual(expected.slice(0, paged.length));
    after = page.hits.at(-1);
    if (!page.more) break;
    const [sessionId = '', id = ''] = expected.pop()?.split('/') ?? [];
    const deletion = anEvent('message.deleted', { seq: seq + 99, sessionId, data: { id, messageSeq: 1 } });
    await write([...saidMeanwhile(seq, newest), deletion]);
  }
  expect(paged).toEqual(expected);
  const now = await find({});
  expect(now.total).toBeGreaterThan(expected.length);
  expect(now.hits.map(keyOf).slice(-expected.length)).toEqual(expected);
}
