import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JetStreamApiError } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { analyticsReadModel } from '../../../consumers/projections/analytics.ts';
import type { Platform } from '../../../consumers/runtime/read-model.ts';
import { SYSTEM_TIME } from '../../../consumers/runtime/time.ts';
import { settingsFrom } from '../../../consumers/settings.ts';
import { openSqliteHistory } from '../../../consumers/stores/history/sqlite.ts';
import { TablesGone } from '../../../consumers/stores/analytics/port.ts';

const NO_DURABLE = { code: 404, err_code: 10014, description: 'consumer not found' };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-analytics-open-'));
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

const openArchive = async () => await Promise.resolve(openSqliteHistory({ path: join(directory, 'history.db'), writes: true }));

/** As much of a platform as opening needs. `taken`: what the durable has had acknowledged; undefined: it is not there. */
function platform(taken?: number, deleted: string[] = []): Platform {
  const info = async () =>
    taken === undefined
      ? await Promise.reject(new JetStreamApiError(NO_DURABLE))
      : await Promise.resolve({ ack_floor: { consumer_seq: taken } });
  const consumers = {
    info,
    delete: async (stream: string, name: string) => await Promise.resolve(deleted.push(`${stream} ${name}`)),
  };
  const settings = settingsFrom({ INTERNAL_SECRET: 'a secret for tests only, 32 bytes or more', DATA_DIR: directory });
  return { settings, manager: { consumers }, openArchive, log: () => undefined, time: SYSTEM_TIME } as unknown as Platform;
}

const made = (): boolean => existsSync(join(directory, 'analytics.db'));

describe('the tables of analytics', () => {
  it('are made where there were none', async () => {
    await (await analyticsReadModel.open(platform())).close();
    expect(made()).toBe(true);
  });

  it('are not made anew where the durable has taken events, or a guard has looked after them: they would count half', async () => {
    await expect(analyticsReadModel.open(platform(1))).rejects.toThrow('npm run rebuild -- analytics');
    const archive = await openArchive();
    await archive.writeNote('analytics', '{"v":1}');
    await archive.close();
    await expect(analyticsReadModel.open(platform())).rejects.toBeInstanceOf(TablesGone);
    expect(made()).toBe(false);
    // a file with nothing in it is none
    writeFileSync(join(directory, 'analytics.db'), '');
    await expect(analyticsReadModel.open(platform())).rejects.toBeInstanceOf(TablesGone);
  });

  it('are made by a rebuild, which has receipts and dead letters read again; then they are open', async () => {
    const deleted: string[] = [];
    await (await analyticsReadModel.openInPlace?.(platform(1, deleted)))?.close();
    expect(deleted).toEqual(['MILLRACE_RECEIPTS analytics', 'MILLRACE_DEAD_LETTERS analytics']);
    await (await analyticsReadModel.open(platform(1))).close();
    // of tables that are there, nothing is read again
    await (await analyticsReadModel.openInPlace?.(platform(1, deleted)))?.close();
    expect(deleted).toHaveLength(2);
  });
});
