import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openAnalytics } from '../../consumers/stores/analytics/open.ts';
import { settingsFrom } from '../../consumers/settings.ts';
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
  afterAll(async () => await rm(directory, { recursive: true, force: true }));

  analyticsStoreContract('ClickHouse', async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-'));
    const settings = settingsFrom({
      INTERNAL_SECRET: 'a secret for tests only, 32 bytes or more',
      ANALYTICS_URL: `chdb:${directory}/data`,
      CHDB_MODULE: 'module' in found ? found.module : '',
    });
    return await openAnalytics(settings, true);
  });
});
