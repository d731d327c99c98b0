import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openSqliteAnalytics } from '../../consumers/stores/analytics/sqlite.ts';
import { analyticsStoreContract } from './analytics-store.contract.ts';

const directory = await mkdtemp(join(tmpdir(), 'millrace-analytics-'));
const path = join(directory, 'analytics.db');
afterAll(async () => await rm(directory, { recursive: true, force: true }));

analyticsStoreContract('SQLite', async () => await Promise.resolve(openSqliteAnalytics({ path, writes: true, mayMake: true })));

it('is read by another process while it is written', async () => {
  const [writer, reader] = [true, false].map((writes) => openSqliteAnalytics({ path, writes, mayMake: writes }));
  await writer?.writeLetters([{ id: 'a', tenant: 'two', consumer: 'history', reason: 'x', atMs: 5 }]);
  const span = { tenant: 'two', fromMs: 0, step: 'minute', points: 1 } as const;
  expect(await reader?.['dead-letters'](span)).toEqual([{ step: 0, consumer: 'history', reason: 'x', letters: 1 }]);
  await reader?.health();
  await writer?.close();
  await reader?.close();
});
