import { join } from 'node:path';
import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import type { Platform, ReadModel } from '../runtime/read-model.ts';
import type { Settings } from '../settings.ts';
import type { SearchGenerations, SearchLook, SearchStore } from '../stores/search/port.ts';
import { openSqliteGenerations, openSqliteSearch } from '../stores/search/sqlite.ts';
import { searchAudit } from './search-audit.ts';
import { SEARCH_DURABLE, searchProjection } from './search.ts';

/** The search index, in OpenSearch or Elasticsearch or in the embedded store. */
export const searchReadModel: ReadModel = {
  name: SEARCH_DURABLE,
  async open({ settings, manager, openArchive }) {
    // an index that is made now would lack what was taken before; a durable that was made anew says nothing of that
    const mayMake = !(await hasTaken(manager)) && !(await isGuarded(openArchive));
    const store = await openSearch(settings, { writes: true, mayMake });
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

/** Did the durable ever have an event acknowledged? */
async function hasTaken(manager: JetStreamManager): Promise<boolean> {
  try {
    const { ack_floor } = await manager.consumers.info(EVENTS_STREAM, SEARCH_DURABLE);
    return ack_floor.consumer_seq > 0;
  } catch (error) {
    const isNew = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
    if (isNew) return false;
    throw error;
  }
}

/** Did a guard ever look after it? Rejects while the archive, where it would have noted that, cannot be reached. */
async function isGuarded(openArchive: Platform['openArchive']): Promise<boolean> {
  if (openArchive === undefined) return false;
  const archive = await openArchive();
  try {
    return (await archive.readNote(SEARCH_DURABLE)) !== undefined;
  } finally {
    await archive.close();
  }
}

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
