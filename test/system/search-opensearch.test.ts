import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchWriteOf } from '../../consumers/projections/search.ts';
import { openOpenSearchGenerations } from '../../consumers/stores/search/opensearch-generations.ts';
import { INDEX_VERSION, templateOf } from '../../consumers/stores/search/opensearch-index.ts';
import { openOpenSearch } from '../../consumers/stores/search/opensearch.ts';
import { IndexGone, type Rejected, type SearchStore, type SearchWrite } from '../../consumers/stores/search/port.ts';
import { StoreUnavailable } from '../../consumers/stores/store-unavailable.ts';
import type { Event } from '../../shared/core/types.ts';
import { parseQuery } from '../../shared/search/query.ts';
import { anEvent } from '../contracts/events.ts';
import { searchStoreContract } from '../contracts/search-store.contract.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { openSearchMissing, sharedOpenSearch, type SharedOpenSearch } from '../support/shared-opensearch.ts';

requireOrSkip('OpenSearch', await openSearchMissing())('OpenSearch', () => {
  let node: SharedOpenSearch;
  let made = 0;

  beforeAll(async () => {
    node = await sharedOpenSearch();
  });

  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${node.url}${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return await response.json();
  }

  searchStoreContract('OpenSearch', async () => {
    const index = `contract-${(made += 1)}`;
    const store = await openOpenSearch({ settings: node.settings(index), writes: true, mayMake: true });
    return {
      store,
      openGenerations: async () => await openOpenSearchGenerations(node.settings(index)),
      settle: async () => void (await call('POST', `/${index}/_refresh`)),
      async dispose() {
        await store.close();
        await call('DELETE', `/${index}-*`);
      },
    };
  });

  describe('the index in OpenSearch', () => {
    const writesOf = (...events: readonly Event[]): SearchWrite[] => events.flatMap((event) => searchWriteOf(event) ?? []);
    const message = (seq: number, text = 'ostrich'): Event => anEvent('message.created', { seq, data: { id: `m${seq}`, text } });
    const write = async (store: SearchStore, ...events: readonly Event[]): Promise<ReadonlyMap<number, Rejected>> =>
      await store.write(writesOf(...events));
    const found = async (store: SearchStore, q: string): Promise<number> => {
      const query = parseQuery(q);
      if (!query.ok) throw new Error(query.detail);
      return (await store.find({ tenant: 'default', clauses: query.clauses, sessions: ['s1'], limit: 100 })).total;
    };
    const opened = async (index: string): Promise<SearchStore> =>
      await openOpenSearch({ settings: node.settings(index), writes: true, mayMake: true });
    afterAll(async () => void (await call('DELETE', '/own-*')));

    it('is made once, by one of several at a time, with its template', async () => {
      await Promise.all([opened('own-made'), opened('own-made'), opened('own-made')]);
      expect(Object.keys((await call('GET', '/_alias/own-made')) as object)).toEqual(['own-made-000001']);
      const { index_templates: templates } = (await call('GET', '/_index_template/own-made')) as { index_templates: object[] };
      expect(templates).toMatchObject([
        { name: 'own-made', index_template: { index_patterns: ['own-made-*'], template: { mappings: { dynamic: 'strict' } } } },
      ]);
      expect(templateOf('x')).toMatchObject({ template: { mappings: { _meta: { version: INDEX_VERSION } } } });
    });

    it('of another version is refused', async () => {
      await call('PUT', '/own-other-000001', { aliases: { 'own-other': {} }, mappings: { _meta: { version: 99 } } });
      await expect(opened('own-other')).rejects.toThrow('own-other-000001 has version 99');
    });

    it('can be found soon after it was written, without a refresh', async () => {
      const store = await opened('own-soon');
      await write(store, message(1));
      await expect.poll(async () => await found(store, 'ostrich'), { timeout: 3 * store.seenAfterMs }).toBe(1);
    });

    it(
      'keeps versions of what was deleted, and erases a session of many documents, again when it was interrupted',
      { timeout: 60_000 },
      async () => {
        const store = await opened('own-erased');
        const seqs = Array.from({ length: 2_100 }, (_, at) => at + 1);
        for (let from = 0; from < seqs.length; from += 300)
          await write(store, ...seqs.slice(from, from + 300).map((seq) => message(seq)));
        const deleted = anEvent('session.deleted', { seq: 3_000 });
        // a worker that died behind the mark
        await call(
          'PUT',
          `/own-erased/_doc/${encodeURIComponent('erased/default/s1')}?version=${deleted.clock}&version_type=external`,
          { kind: 'erased', tenant: 'default', sessionId: 's1' },
        );
        await write(store, deleted);
        await write(store, message(1), message(2_500));
        await call('POST', '/own-erased/_refresh');
        expect(await found(store, 'ostrich')).toBe(0);
        const all = (await call('POST', '/own-erased/_search?version=true', {
          size: 10,
          query: { term: { kind: 'stub' } },
          track_total_hits: true,
        })) as {
          hits: { total: { value: number }; hits: { _version: number; _source: object }[] };
        };
        expect(all.hits.total.value).toBe(2_101);
        for (const { _version, _source } of all.hits.hits) {
          expect([_version, _source]).toEqual([
            Number(deleted.clock),
            { kind: 'stub', tenant: 'default', sessionId: 's1', key: expect.any(String) as string },
          ]);
        }
      },
    );

    it('refuses one document and takes the others of its batch', async () => {
      const store = await opened('own-poison');
      const [good, , other] = writesOf(message(1), message(2), message(3));
      const [bad] = writesOf(message(2));
      if (good === undefined || other === undefined || bad?.kind !== 'document' || bad.content === undefined)
        throw new Error('no writes');
      const broken: SearchWrite = { ...bad, content: { ...bad.content, seq: 2 ** 40 } };
      expect([...(await store.write([good, broken, other]))]).toEqual([[1, { reason: 'mapper_parsing_exception' }]]);
      await call('POST', '/own-poison/_refresh');
      expect(await found(store, 'ostrich')).toBe(2);
    });

    it('whose alias is gone takes nothing and makes no index by itself: the store is unavailable', async () => {
      const store = await opened('own-gone');
      await call('DELETE', '/own-gone-000001');
      await expect(write(store, message(1))).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(store.health()).rejects.toThrow();
      await expect(found(store, 'ostrich')).rejects.toThrow();
      expect(await call('GET', '/own-gone/_mapping')).toMatchObject({ status: 404 });
      const again = openOpenSearch({ settings: node.settings('own-gone'), writes: true, mayMake: false });
      await expect(again).rejects.toBeInstanceOf(IndexGone);
    });

    it(
      'is unavailable while the node is away, no fault of the batch, and there again after it',
      { timeout: 120_000 },
      async () => {
        const store = await opened('own-away');
        await write(store, message(1));
        await node.kill();
        await expect(write(store, message(2))).rejects.toBeInstanceOf(StoreUnavailable);
        await expect(store.health()).rejects.toThrow();
        await expect(opened('own-away')).rejects.toBeInstanceOf(StoreUnavailable);
        await node.start();
        await expect.poll(async () => await store.health().then(() => 'well', String), { timeout: 60_000 }).toBe('well');
        // what was acknowledged before the kill is there
        await write(store, message(2));
        await call('POST', '/own-away/_refresh');
        expect(await found(store, 'ostrich')).toBe(2);
      },
    );
  });
});
