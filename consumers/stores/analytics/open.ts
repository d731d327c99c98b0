import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ClickHouseClientConfigOptions } from '@clickhouse/client';
import type { Settings } from '../../settings.ts';
import type { AnalyticsOptions, AnalyticsStore } from './port.ts';
import type { AnalyticsSettings } from './settings.ts';
import { openSqliteAnalytics } from './sqlite.ts';

type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>;
type Engine = Extract<AnalyticsSettings, { kind: 'engine' }>;

/** The analytics store that the settings name. Rejects while it cannot be reached, and with TablesGone while there is none. */
export async function openAnalytics({ analytics, dataDir }: Settings, options: AnalyticsOptions): Promise<AnalyticsStore> {
  if (analytics === undefined) return openSqliteAnalytics({ path: join(dataDir, 'analytics.db'), ...options });
  // loaded where it is used: a start without it stays small
  const { openClickHouseAnalytics } = await import('./clickhouse.ts');
  if (analytics.kind === 'server') return await openClickHouseAnalytics({ url: analytics.url, ...options });
  const { connection, release } = await chdbConnection(analytics);
  return await openClickHouseAnalytics({ url: '', ...options, connection, close: release });
}

/** a second engine on the same directory would be refused by it: roles of one process share one, and the last to let it go ends it */
const engines = new Map<string, { connection: Promise<Connection>; users: number }>();

/** The engine of a directory, shared by all in this process that hold it. */
export async function chdbConnection(settings: Engine): Promise<{ connection: Connection; release: () => Promise<void> }> {
  const { directory } = settings;
  const entry = engines.get(directory) ?? { connection: engine(settings), users: 0 };
  engines.set(directory, entry);
  entry.users += 1;
  let isHeld = true;
  const release = async (): Promise<void> => {
    if (!isHeld) return;
    isHeld = false;
    entry.users -= 1;
    if (entry.users > 0) return;
    engines.delete(directory);
    await (await entry.connection).close();
  };
  try {
    return { connection: await entry.connection, release };
  } catch (error) {
    // whoever tries again starts another
    if (engines.get(directory) === entry) engines.delete(directory);
    throw error;
  }
}

async function engine({ directory, module }: Engine): Promise<Connection> {
  // whoever set CHDB_MODULE vouches for what is there
  const loaded = (await import(pathToFileURL(module).href)) as {
    createChdbConnection(options: { path: string }): Connection;
  };
  mkdirSync(directory, { recursive: true });
  return loaded.createChdbConnection({ path: directory });
}
