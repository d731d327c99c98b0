import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { searchWriteOf } from '../../consumers/projections/search.ts';
import { searchAudit } from '../../consumers/projections/search-audit.ts';
import type { AuditSubject, ModelFinding } from '../../consumers/runtime/read-model.ts';
import type {
  Found,
  SearchGenerations,
  SearchLook,
  SearchQuestion,
  SearchStore,
  SearchWrite,
} from '../../consumers/stores/search/port.ts';
import { compareHits, keyOf } from '../../shared/contract/search.ts';
import { SEARCH_PAGE_MAX } from '../../shared/core/limits.ts';
import type { Event } from '../../shared/core/types.ts';
import { parseQuery } from '../../shared/search/query.ts';
import { inAnyOrder } from '../support/any-order.ts';
import { findMeetings } from './search-meetings.ts';
import { pageWhileWritten } from './search-pages.ts';
import { anEvent } from './events.ts';

/** What every adapter of the search index keeps: run once per adapter. `make` gives an empty store each time. */

const RUNS = Number(process.env['FC_RUNS'] ?? 25);
/** fast-check prints the seed of a failure; FC_SEED plays it again */
const SEED = process.env['FC_SEED'] === undefined ? Date.now() % 2 ** 31 : Number(process.env['FC_SEED']);

/** no one begins or ends like another: what a naive scan finds by `includes` is what an index finds by words */
const VOCABULARY = ['ostrich', 'Café', 'pumpkin', '東京都', 'vélo', '🙂', 'Straße', '한국어', 'zebra'];

/** query and text */
const FOUND: readonly (readonly [q: string, text: string])[] = [
  ['cafe', 'The CAFÉ is open'],
  ['CAFÉ', 'a cafe'],
  ['e\u0301te\u0301', 'été'],
  ['été', 'e\u0301te\u0301'],
  ['strasse', 'Hauptstraße oder Straße'],
  ['running', 'they run'],
  ['connections', 'one connection'],
  ['東京', '今日は東京都に行く'],
  ['京都に', '東京都に行く'],
  ['東', '大東京'],
  ['京', '大東京'],
  ['한국', '한국어를 배운다'],
  ['ガイド', 'ｶﾞｲﾄﾞﾌﾞｯｸ'],
  ['東京 tower', 'Tokyo Tower 東京タワー tower'],
  ['"東京 tower"', 'the 東京 tower'],
  ['abc東京', 'abc東京都'],
  ['🙂', 'well🙂done'],
  ['👍', 'yes 👍🏽!'],
  ['example.com', 'see http://example.com/path'],
  ['foo_bar', 'call foo_bar(1)'],
  ["don't", "we don't know"],
  ['<b>', 'a <b> tag'],
  ['привет', 'ПРИВЕТ, мир'],
  ['еще', 'ещё раз'],
  ['οδος', 'ΟΔΟΣ'],
  ['1,000', 'it costs 1,000 coins'],
  ['"quick brown"', 'a quick, brown fox'],
  ['“quick brown”', 'Quick brown'],
  ['brown quick', 'a quick brown fox'],
  ['"unclosed phrase', 'an unclosed phrase'],
];

const NOT_FOUND: readonly (readonly [q: string, text: string])[] = [
  ['cat', 'concatenate'],
  ['"brown quick"', 'a quick brown fox'],
  ['quick cat', 'a quick brown fox'],
  ['京東', '東京'],
  ['東都', '東京都'],
  ['"a c"', 'a b c'],
  ['NOT', 'quick'],
  ['quick*', 'quickly'],
];

export interface MadeSearch {
  store: SearchStore & SearchLook;
  /** resolves when what was written can be found */
  settle(): Promise<void>;
  openGenerations(): Promise<SearchGenerations>;
  dispose(): Promise<void>;
}

const writesOf = (events: readonly Event[]): SearchWrite[] => events.flatMap((event) => searchWriteOf(event) ?? []);

/** The rules of the port in the most naive form: the live text of each message by the highest clock. */
function textsOf(events: readonly Event[]): Map<string, string> {
  const latest = new Map<string, { clock: bigint; text: string | undefined }>();
  let erasedAt = -1n;
  for (const event of events) {
    const clock = BigInt(event.clock);
    if (event.type === 'session.deleted') erasedAt = clock > erasedAt ? clock : erasedAt;
    if (!event.type.startsWith('message.')) continue;
    const { id, text } = event.data as { id: string; text?: string };
    if ((latest.get(id)?.clock ?? -1n) < clock) latest.set(id, { clock, text });
  }
  return new Map([...latest].flatMap(([id, { clock, text }]) => (text === undefined || clock < erasedAt ? [] : [[id, text]])));
}

function subjectOf(events: readonly Event[]): AuditSubject {
  return {
    tenant: 'default',
    sessionId: 's1',
    head: events.at(-1)?.seq ?? 0,
    isDeleted: false,
    isIncomplete: false,
    deadLetters: new Set(),
    async *events() {
      yield await Promise.resolve(events);
    },
    isErased: async () => await Promise.resolve(false),
    async *expectedRows() {
      yield await Promise.resolve([]);
    },
  };
}

/** Letters of the arbitrary's text, as words of the vocabulary. */
function inWords(text: string): string {
  return Array.from(text, (letter) => VOCABULARY[(letter.codePointAt(0) ?? 0) % VOCABULARY.length]).join(' ');
}

export function searchStoreContract(name: string, make: () => Promise<MadeSearch>): void {
  describe(`search store: ${name}`, () => {
    let made: MadeSearch;
    beforeEach(async () => {
      made = await make();
    });
    afterEach(async () => await made.dispose());
    afterAll(() => console.info(`search store ${name}: FC_SEED=${SEED}`));

    const write = async (...events: readonly Event[]): Promise<void> => {
      expect(await made.store.write(writesOf(events))).toEqual(new Map());
      await made.settle();
    };
    const find = async (q: string, more: Partial<SearchQuestion> = {}): Promise<Found> => {
      const query = parseQuery(q);
      if (!query.ok) throw new Error(query.detail);
      return await made.store.find({
        tenant: 'default',
        clauses: query.clauses,
        sessions: ['s1'],
        limit: SEARCH_PAGE_MAX,
        ...more,
      });
    };
    const idsOf = async (q: string, more: Partial<SearchQuestion> = {}): Promise<string[]> => {
      const { hits } = await find(q, more);
      return hits.map(({ messageId }) => messageId).toSorted();
    };
    const say = (seq: number, text: string, more: object = {}): Event => {
      return anEvent('message.created', { seq, data: { id: `m${seq}`, text, ...more } });
    };

    it('P1 every order and repetition of a batch ends as the model says', { timeout: 120_000 }, async () => {
      await inAnyOrder({ numRuns: RUNS, seed: SEED }, async (events, batches, sessionId) => {
        const own = events.map((event) => {
          const { text } = event.data as { text?: string };
          return text === undefined ? event : ({ ...event, data: { ...event.data, text: inWords(text) } } as Event);
        });
        for (const batch of batches(own)) await made.store.write(writesOf(batch));
        await made.settle();
        const texts = [...textsOf(own)];
        for (const word of VOCABULARY) {
          const expected = texts.filter(([, text]) => text.includes(word)).map(([id]) => id);
          expect(await idsOf(word, { sessions: [sessionId] }), word).toEqual(expected.toSorted());
        }
      });
    });

    it('finds words and phrases, and nothing else', async () => {
      // all of them at once: an index for each example would take minutes
      const examples = [...FOUND, ...NOT_FOUND];
      const texts = examples.map(([, text], at) => ({ ...say(1, text), sessionid: `example-${at}` }));
      const others = examples.map((_, at) => ({ ...say(2, 'something else'), sessionid: `example-${at}` }));
      await write(...texts, ...others);
      for (const [at, [q, text]] of examples.entries()) {
        const expected = at < FOUND.length ? ['m1'] : [];
        expect([q, text, await idsOf(q, { sessions: [`example-${at}`] })]).toEqual([q, text, expected]);
      }
    });

    it('of a message has what was said last, by clock, and nothing of one that was deleted', async () => {
      const created = say(1, 'ostrich');
      const edits = [2, 3].map((seq) =>
        anEvent('message.updated', { seq, data: { id: 'm1', messageSeq: 1, text: `zebra edit${seq}` } }),
      );
      await write(...edits.toReversed(), created);
      expect([await idsOf('ostrich'), await idsOf('edit2'), await idsOf('edit3')]).toEqual([[], [], ['m1']]);
      expect((await find('zebra')).hits).toMatchObject([
        { sessionId: 's1', messageId: 'm1', seq: 1, sentAtMs: Date.parse('2026-01-02T03:04:05.006Z') },
      ]);
      await write(anEvent('message.deleted', { seq: 4, data: { id: 'm1', messageSeq: 1 } }));
      await write(...edits, created);
      expect([await idsOf('ostrich'), await idsOf('zebra')]).toEqual([[], []]);
      expect((await find('zebra')).total).toBe(0);
    });

    it('an erased event takes the words away, whichever comes first', async () => {
      const created = say(1, 'ostrich');
      const erased = {
        ...anEvent('message.updated', { seq: 2, data: { id: 'm1', messageSeq: 1 } }),
        data: { id: 'm1', erased: true },
      } as Event;
      await write(erased, created);
      expect(await idsOf('ostrich')).toEqual([]);
    });

    it('the deletion of a session takes all of it, also what comes late, and nothing of others', async () => {
      await write(say(1, 'ostrich'), say(2, 'ostrich'));
      await write({ ...say(1, 'ostrich'), sessionid: 's2' }, { ...say(1, 'ostrich'), tenant: 'other' });
      await write(anEvent('session.deleted', { seq: 9 }));
      await write(say(3, 'ostrich'), anEvent('message.updated', { seq: 4, data: { id: 'm1', messageSeq: 1, text: 'ostrich' } }));
      // both in one batch, and the late one before it
      await write(
        { ...say(5, 'ostrich'), sessionid: 's3' },
        {
          ...anEvent('session.deleted', { seq: 8 }),
          sessionid: 's3',
        },
      );
      expect(await idsOf('ostrich', { sessions: ['s1', 's3'] })).toEqual([]);
      expect(await idsOf('ostrich', { sessions: ['s1', 's2'] })).toEqual(['m1']);
      expect(await idsOf('ostrich', { tenant: 'other' })).toEqual(['m1']);
    });

    it('keeps tenants and sessions apart, few of them and many', async () => {
      await write(...['s1', 's2', 's3'].map((sessionId): Event => ({ ...say(1, 'ostrich'), sessionid: sessionId })));
      await write({ ...say(2, 'ostrich'), tenant: 'other' });
      const many = Array.from({ length: 5_000 }, (_, at) => `other-${at}`);
      for (const sessions of [
        ['s1', 's3'],
        ['s1', 's3', ...many],
      ]) {
        const { hits, total } = await find('ostrich', { sessions });
        expect(hits.map(keyOf).toSorted()).toEqual(['s1/m1', 's3/m1']);
        expect(total).toBe(2);
      }
      expect((await find('ostrich', { sessions: [] })).hits).toEqual([]);
    });

    it('filters by author and by time, bounds left out', async () => {
      const at = (second: number): string => `2026-01-02T03:04:0${second}.000Z`;
      await write(
        ...[1, 2, 3].map((seq) => ({ ...say(seq, 'ostrich', { createdAt: at(seq) }), actor: seq === 2 ? 'bob' : 'alice' })),
      );
      expect(await idsOf('ostrich', { author: 'bob' })).toEqual(['m2']);
      expect(await idsOf('ostrich', { sentAfterMs: Date.parse(at(1)) })).toEqual(['m2', 'm3']);
      expect(await idsOf('ostrich', { sentBeforeMs: Date.parse(at(3)), sentAfterMs: Date.parse(at(1)) })).toEqual(['m2']);
      // who edits is not who wrote it
      await write({
        ...anEvent('message.updated', {
          seq: 4,
          data: { id: 'm2', messageSeq: 2, author: 'bob', createdAt: at(2), text: 'ostrich' },
        }),
        actor: 'alice',
      });
      expect(await idsOf('ostrich', { author: 'bob', sentAfterMs: Date.parse(at(1)) })).toEqual(['m2']);
    });

    it('is newest first, with scores, and pages without a gap or a repetition', async () => {
      const texts = Array.from({ length: 25 }, (_, at) => `ostrich ${'pumpkin '.repeat(at % 4)}`);
      await write(
        ...texts.map((text, at) => say(at + 1, text, { createdAt: new Date(1_700_000_000_000 + (at % 5)).toISOString() })),
      );
      const all = await find('ostrich');
      expect(all).toMatchObject({ total: 25, more: false });
      expect(all.hits).toEqual(all.hits.toSorted(compareHits));
      // a short message says more of its words than a long one
      const scoreOf = (seq: number): number => all.hits.find(({ messageId }) => messageId === `m${seq}`)?.score ?? Number.NaN;
      expect(scoreOf(1)).toBeGreaterThan(scoreOf(4));
      expect(scoreOf(4)).toBeGreaterThan(0);
      const paged = [];
      for (let after: SearchQuestion['after']; ; after = paged.at(-1)) {
        const page = await find('ostrich', { limit: 4, ...(after === undefined ? {} : { after }) });
        expect(page.total).toBe(25);
        paged.push(...page.hits);
        if (!page.more) break;
      }
      expect(paged).toEqual(all.hits);
    });

    it('pages over what there was, whatever is written meanwhile', { timeout: 60_000 }, async () => {
      await pageWhileWritten(made.store, made.settle, SEED);
    });

    it('takes texts and words of any size, and clocks beyond what a number holds exactly', async () => {
      const clock = (2n ** 53n).toString();
      await write({ ...say(1, `${'x'.repeat(40_000)} ostrich ${'東'.repeat(9_000)}`), clock }, say(2, '🙂 '.repeat(20_000)));
      await write({ ...say(1, 'older'), clock: (2n ** 53n - 1n).toString() });
      expect([await idsOf('ostrich'), await idsOf('older'), await idsOf('🙂')]).toEqual([['m1'], [], ['m2']]);
      await write({ ...say(1, 'newer'), clock: (2n ** 53n + 1n).toString() });
      expect([await idsOf('ostrich'), await idsOf('newer')]).toEqual([[], ['m1']]);
    });

    it('keeps generations: one is filled while the other serves, and a swap is one step', async () => {
      await write(say(1, 'ostrich'), say(2, 'ostrich'));
      const generations = await made.openGenerations();
      expect(await generations.list()).toEqual({ current: 1, others: [] });
      const next = await generations.make(2);
      await expect(generations.make(2)).rejects.toThrow();
      expect(await generations.list()).toEqual({ current: 1, others: [2] });
      expect(await next.write(writesOf([say(1, 'ostrich'), say(3, 'zebra'), anEvent('session.deleted', { seq: 2 })]))).toEqual(
        new Map(),
      );
      await write(say(4, 'ostrich'));
      expect([await idsOf('ostrich'), await idsOf('zebra')]).toEqual([['m1', 'm2', 'm4'], []]);
      await generations.swap(2);
      expect([await idsOf('ostrich'), await idsOf('zebra')]).toEqual([[], ['m3']]);
      expect(await generations.list()).toEqual({ current: 2, others: [1] });
      await write(say(5, 'zebra'));
      expect(await idsOf('zebra')).toEqual(['m3', 'm5']);
      await expect(generations.drop(2)).rejects.toThrow();
      await expect(generations.swap(7)).rejects.toThrow();
      await generations.drop(1);
      await generations.drop(1);
      expect(await generations.list()).toEqual({ current: 2, others: [] });
      // aborted: nothing is left of it
      const third = await generations.make(3);
      await third.close();
      await generations.drop(3);
      expect(await generations.list()).toEqual({ current: 2, others: [] });
      await next.close();
      await generations.close();
    });

    it('can be compared with what was said, and mended', async () => {
      const deleted = anEvent('message.deleted', { seq: 6, data: { id: 'm4', messageSeq: 4 } });
      const edited = anEvent('message.updated', { seq: 5, data: { id: 'm2', messageSeq: 2, text: 'zebra' } });
      const events: Event[] = [say(1, 'ostrich'), say(2, 'ostrich'), say(3, 'Café'), say(4, 'ostrich'), edited, deleted];
      const audit = searchAudit(made.store);
      const look = async (more: Partial<AuditSubject> = {}): Promise<ModelFinding[]> => {
        const findings: ModelFinding[] = [];
        for await (const finding of audit.look({ ...subjectOf(events), ...more })) findings.push(finding);
        return findings;
      };
      const kinds = async (more: Partial<AuditSubject> = {}): Promise<string[]> =>
        (await look(more)).map(({ kind, place }) => `${kind} ${place}`).toSorted();
      await write(...events);
      expect(await kinds()).toEqual([]);
      const lost = await kinds({ ...subjectOf([...events, say(7, 'more')]) });
      expect(lost).toEqual(['missing message m7']);
      // what was never said, what was said otherwise, and an edit that the index has not seen
      await write(say(8, 'extra'), { ...say(3, 'other'), clock: say(9, '').clock });
      events.push(anEvent('message.updated', { seq: 7, data: { id: 'm1', messageSeq: 1, text: 'pumpkin' } }));
      const wrong = ['different message m1', 'different message m3', 'extra message m8'];
      expect(await kinds()).toEqual(wrong);
      expect(await kinds({ isIncomplete: true })).toEqual(['different message m1']);
      expect(await kinds({ deadLetters: new Set([7]) })).toEqual(wrong.slice(1));
      for (const { mend } of await look()) await mend?.(1);
      await made.settle();
      expect(await kinds()).toEqual([]);
      expect([await idsOf('pumpkin'), await idsOf('cafe'), await idsOf('extra')]).toEqual([['m1'], ['m3'], []]);
      events.push(anEvent('session.deleted', { seq: 20 }));
      // the fourth is a stub already, and stays one
      expect(await kinds()).toEqual(['m1', 'm2', 'm3'].map((id) => `different message ${id}`));
      await write(anEvent('session.deleted', { seq: 20 }));
      expect(await kinds()).toEqual([]);
    });

    it('finds in eight meetings what a naive scan finds: every word, and 200 random phrases', { timeout: 120_000 }, async () => {
      await findMeetings(made.store, made.settle, SEED, 200);
    });

    it('is healthy', async () => {
      await made.store.health();
      expect(await made.store.write([])).toEqual(new Map());
    });
  });
}
