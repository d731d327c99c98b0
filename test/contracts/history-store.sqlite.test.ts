import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteHistory } from '../../consumers/stores/history/sqlite.ts';
import { historyStoreContract } from './history-store.contract.ts';

historyStoreContract('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-history-'));
  const store = openSqliteHistory({ path: join(directory, 'history.db'), writes: true });
  return {
    store,
    async dispose() {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
