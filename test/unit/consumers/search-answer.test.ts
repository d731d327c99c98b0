import { describe, expect, it } from 'vitest';
import { answerSearch } from '../../../consumers/query/search-answer.ts';
import type { SearchStore } from '../../../consumers/stores/search/port.ts';

const QUESTION = { v: 2, tenant: 'default', sessions: ['s1'], q: 'water', limit: 10 };
const data = new TextEncoder().encode(JSON.stringify(QUESTION));
// all that a search asks of it
const store = { find: async () => await Promise.resolve({ hits: [], more: false, total: 0 }) } as unknown as SearchStore;

describe('a search in the moment of a start', () => {
  it('waits for the first look at how far the index has come', async () => {
    let asOf: number | undefined;
    const looked = new Promise<void>((resolve) => {
      setImmediate(() => {
        asOf = 7;
        resolve();
      });
    });
    expect(await answerSearch({ store, asOfMs: () => asOf, looked }, data)).toEqual({
      ok: true,
      hits: [],
      more: false,
      total: 0,
      asOfMs: 7,
    });
  });

  it('is refused when nobody knows after it either', async () => {
    const found = await answerSearch({ store, asOfMs: () => undefined, looked: Promise.resolve() }, data);
    expect(found).toEqual({ ok: false, code: 'unavailable', detail: 'nothing feeds the index' });
  });
});
