import { join } from 'node:path';
import type { ReadModel } from '../runtime/read-model.ts';
import type { Settings } from '../settings.ts';
import type { SearchStore } from '../stores/search/port.ts';
import { openSqliteSearch } from '../stores/search/sqlite.ts';
import { SEARCH_DURABLE, searchProjection } from './search.ts';

/** The search index, in OpenSearch or Elasticsearch or in the embedded store. */
export const searchReadModel: ReadModel = {
  name: SEARCH_DURABLE,
  async open({ settings }) {
    const store = await openSearch(settings, true);
    return { projection: searchProjection(store), close: async () => await store.close() };
  },
};

export async function openSearch({ openSearch: settings, dataDir }: Settings, writes: boolean): Promise<SearchStore> {
  if (settings !== undefined) {
    // loaded where it is used, as every store that is not embedded
    const { openOpenSearch } = await import('../stores/search/opensearch.ts');
    return await openOpenSearch({ settings, writes });
  }
  return await Promise.resolve(openSqliteSearch({ path: join(dataDir, 'search.db'), writes }));
}
