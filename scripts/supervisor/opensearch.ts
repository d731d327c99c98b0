import { createHash } from 'node:crypto';
import { openSearchContainer } from '../launch/opensearch-docker.mjs';
import { ensureOpenSearch, openSearchCommand, openSearchDirectory } from '../launch/opensearch.mjs';
import { OPENSEARCH_IMAGE } from '../versions.mjs';
import { localServer, type LocalServer, type ServerKind } from './local-server.ts';
import type { Settings } from './settings.ts';

/** The OpenSearch of `npm start -- --with opensearch`. Nobody waits for it: the consumers make their index when it answers. */
const OPENSEARCH: ServerKind = {
  part: 'opensearch',
  title: 'OpenSearch',
  image: OPENSEARCH_IMAGE,
  imageSize: '900 MB',
  container: openSearchContainer,
  async java({ directory, port, storagePort }) {
    const tools = await ensureOpenSearch();
    // ports are the data's own: data made anew are in another place
    const name = `millrace-opensearch-${createHash('sha256').update(`${directory} ${port} ${storagePort}`).digest('hex').slice(0, 16)}`;
    const place = { directory: openSearchDirectory(directory, name), port, transportPort: storagePort };
    return openSearchCommand(tools, place);
  },
};

export async function localOpenSearch(dataDir: string): Promise<LocalServer> {
  return await localServer(OPENSEARCH, dataDir);
}

export function searchUrlOf({ port }: LocalServer): string {
  return `http://127.0.0.1:${port}`;
}

/** Settings with which the consumers use that node. */
export function usingOpenSearch(settings: Settings, local: LocalServer): Settings {
  return { ...settings, consumerVariables: { ...settings.consumerVariables, SEARCH_URL: searchUrlOf(local) } };
}
