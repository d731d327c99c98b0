import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureChdb } from '../launch/chdb.mjs';
import type { Settings } from './settings.ts';

/**
 * The ClickHouse of `npm start -- --with clickhouse`: its engine inside of the consumers, with its data in the data directory. It is
 * no part of its own, and no other process may open its data meanwhile. Throws an Error of one line when it cannot be had.
 */
export async function usingClickHouse(settings: Settings): Promise<Settings> {
  const module = await ensureChdb();
  const { pathname } = pathToFileURL(join(settings.dataDir, 'clickhouse'));
  const variables = { ANALYTICS_URL: `chdb:${pathname}`, CHDB_MODULE: module };
  return { ...settings, consumerVariables: { ...settings.consumerVariables, ...variables } };
}
