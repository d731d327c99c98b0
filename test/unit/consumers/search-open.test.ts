import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JetStreamApiError } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { searchReadModel } from '../../../consumers/projections/search-read-model.ts';
import type { Platform } from '../../../consumers/runtime/read-model.ts';
import { settingsFrom } from '../../../consumers/settings.ts';
import { openSqliteHistory } from '../../../consumers/stores/history/sqlite.ts';

const NO_DURABLE = { code: 404, err_code: 10014, description: 'consumer not found' };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-search-open-'));
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

const openArchive = async () => await Promise.resolve(openSqliteHistory({ path: join(directory, 'history.db'), writes: true }));

/** As much of a platform as opening needs: the durable is not there, or was made anew. */
function platform(): Platform {
  const info = async () => await Promise.reject(new JetStreamApiError(NO_DURABLE));
  const settings = settingsFrom({ INTERNAL_SECRET: 'a secret for tests only, 32 bytes or more', DATA_DIR: directory });
  return { settings, manager: { consumers: { info } }, openArchive } as unknown as Platform;
}

describe('the search index', () => {
  it('is made where there was none', async () => {
    const opened = await searchReadModel.open(platform());
    await opened.close();
    expect(existsSync(join(directory, 'search.db'))).toBe(true);
  });

  it('is not made anew where a guard has looked after one, whatever the durable says: it would find half', async () => {
    const archive = await openArchive();
    await archive.writeNote('search', '{"v":1}');
    await archive.close();
    await expect(searchReadModel.open(platform())).rejects.toThrow('npm run rebuild -- search');
    expect(existsSync(join(directory, 'search.db'))).toBe(false);
  });
});
