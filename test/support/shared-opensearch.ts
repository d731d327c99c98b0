import { inject } from 'vitest';
import { openSearchSettingsFrom, type OpenSearchSettings } from '../../consumers/stores/search/opensearch-settings.ts';
import { ensureOpenSearch } from '../../scripts/launch/opensearch.mjs';
import { askKeeper } from './node-keeper.ts';

/** Why no OpenSearch can be had here, for `requireOrSkip('OpenSearch', await openSearchMissing())`; undefined when it can. */
export async function openSearchMissing(): Promise<string | undefined> {
  return await ensureOpenSearch().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

/** The OpenSearch of this run. Each suite has an index of its own in it. */
export interface SharedOpenSearch {
  url: string;
  /** SEARCH_* of an index */
  variables(index: string): Record<string, string>;
  settings(index: string): OpenSearchSettings;
  /** Ends it as a crash would; `start` brings it back, and so does the next suite. */
  kill(): Promise<void>;
  /** Resolves once it answers. */
  start(): Promise<void>;
}

/** Starts it when it does not run. */
export async function sharedOpenSearch(): Promise<SharedOpenSearch> {
  const control = inject('openSearchControl');
  const url = await askKeeper('OpenSearch', control, '/start');
  const variables = (index: string): Record<string, string> => ({ SEARCH_URL: url, SEARCH_INDEX: index });
  return {
    url,
    variables,
    settings(index) {
      const settings = openSearchSettingsFrom(variables(index));
      if (settings === undefined) throw new Error('no settings');
      return settings;
    },
    kill: async () => void (await askKeeper('OpenSearch', control, '/kill')),
    start: async () => void (await askKeeper('OpenSearch', control, '/start')),
  };
}
