import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { afterAll, expect, it } from 'vitest';
import { chdbConnection, openAnalytics } from '../../consumers/stores/analytics/open.ts';
import { TablesGone } from '../../consumers/stores/analytics/port.ts';
import { settingsFrom, type Settings } from '../../consumers/settings.ts';
import { ensureChdb } from '../../scripts/launch/chdb.mjs';
import { analyticsStoreContract } from '../contracts/analytics-store.contract.ts';
import { requireOrSkip } from '../support/requirement.ts';

/** The engine of ClickHouse in this process, behind its official client. */

const found = await ensureChdb().then(
  (module) => ({ module }),
  (error: unknown) => ({ missing: error instanceof Error ? error.message : String(error) }),
);

requireOrSkip('the engine of ClickHouse', 'missing' in found ? found.missing : undefined)('ClickHouse', () => {
  let directory: string;
  let settings: Settings;
  afterAll(async () => await rm(directory, { recursive: true, force: true }));

  analyticsStoreContract('ClickHouse', async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-'));
    settings = settingsFrom({
      INTERNAL_SECRET: 'a secret for tests only, 32 bytes or more',
      ANALYTICS_URL: `chdb:${directory}/data`,
      CHDB_MODULE: 'module' in found ? found.module : '',
    });
    return await openAnalytics(settings, { writes: true, mayMake: true });
  });

  it('says so when a table was dropped, and makes none anew by itself', { timeout: 60_000 }, async () => {
    const store = await openAnalytics(settings, { writes: true, mayMake: false });
    if (settings.analytics?.kind !== 'engine') throw new Error('an engine was set');
    const { connection, release } = await chdbConnection(settings.analytics);
    const client = createClient({ connection, clickhouse_settings: { wait_end_of_query: 1 } });
    const letter = { id: 'a', tenant: 'dropped', consumer: 'history', reason: 'x', atMs: 5 };
    await store.writeLetters([letter]);
    await client.command({ query: 'DROP TABLE letters' });
    await expect(store.writeLetters([letter])).rejects.toBeInstanceOf(TablesGone);
    await expect(store.health()).rejects.toBeInstanceOf(TablesGone);
    await expect(openAnalytics(settings, { writes: true, mayMake: false })).rejects.toBeInstanceOf(TablesGone);
    await expect(openAnalytics(settings, { writes: false, mayMake: false })).rejects.toBeInstanceOf(TablesGone);
    const rebuilt = await openAnalytics(settings, { writes: true, mayMake: true });
    await store.health();
    await store.writeLetters([letter]);
    const span = { tenant: 'dropped', fromMs: 0, step: 'minute', points: 1 } as const;
    expect(await rebuilt['dead-letters'](span)).toEqual([{ step: 0, consumer: 'history', reason: 'x', letters: 1 }]);
    for (const each of [store, rebuilt]) await each.close();
    await release();
  });
});
