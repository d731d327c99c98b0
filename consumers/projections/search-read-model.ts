import { join } from 'node:path';
import { isNew } from '../runtime/is-new.ts';
import type { ReadModel } from '../runtime/read-model.ts';
import type { Settings } from '../settings.ts';
import type { SearchGenerations, SearchLook, SearchStore } from '../stores/search/port.ts';
import { openSqliteGenerations, openSqliteSearch } from '../stores/search/sqlite.ts';
import { searchAudit } from './search-audit.ts';
import { SEARCH_DURABLE, searchProjection } from './search.ts';

/** The search index, in OpenSearch or Elasticsearch or in the embedded store. */
export const searchReadModel: ReadModel = {
  name: SEARCH_DURABLE,
  async open(platform) {
    const { settings } = platform;
    const store = await openSearch(settings, { writes: true, mayMake: await isNew(SEARCH_DURABLE, platform) });
    const database = settings.openSearch === undefined ? 'sqlite' : 'opensearch';
    return { projection: { ...searchProjection(store), database }, close: async () => await store.close() };
  },
  async openGenerations({ settings }) {
    const { make, ...generations } = await openGenerations(settings);
    return {
      ...generations,
      async make(generation) {
        const store = await make(generation);
        return { projection: searchProjection(store), close: async () => await store.close() };
      },
    };
  },
  async openAudit({ settings }) {
    return searchAudit(await openSearch(settings, { writes: false, mayMake: false }));
  },
};

export async function openSearch(
  { openSearch: settings, dataDir }: Settings,
  options: { writes: boolean; mayMake: boolean },
): Promise<SearchStore & SearchLook> {
  if (settings !== undefined) {
    // loaded where it is used, as every store that is not embedded
    const { openOpenSearch } = await import('../stores/search/opensearch.ts');
    return await openOpenSearch({ settings, ...options });
  }
  return openSqliteSearch({ path: pathIn(dataDir), ...options });
}

async function openGenerations({ openSearch: settings, dataDir }: Settings): Promise<SearchGenerations> {
  if (settings !== undefined) {
    const { openOpenSearchGenerations } = await import('../stores/search/opensearch-generations.ts');
    return await openOpenSearchGenerations(settings);
  }
  return openSqliteGenerations(pathIn(dataDir));
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'search.db');
}
