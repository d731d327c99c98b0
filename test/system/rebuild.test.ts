import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RebuildRefused } from '../../consumers/runtime/rebuild.ts';
import { FeedStopped } from '../../consumers/runtime/archive-feed.ts';
import { HISTORY_DURABLE } from '../../consumers/projections/history.ts';
import type { Platform } from '../../consumers/runtime/read-model.ts';
import { runReadModel, platformOf } from '../../consumers/runtime/start-read-model.ts';
import { rebuildReadModel } from '../../consumers/runtime/start-rebuild.ts';
import { settingsFrom } from '../../consumers/settings.ts';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { anEvent } from '../contracts/events.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, until } from '../support/stack.ts';
import { numbers, Rig } from './consumers-rig.ts';
import { fasterTime, shelfReadModel, Shelf } from './shelf.ts';

/** A read model made anew beside the one that serves, on a real server. Its time is faster, so that what is kept a while is not long. */

const WITHIN_MS = 30_000;
const DURABLE = 'shelf-rebuild';

requireOrSkip('nats-server', natsServerMissing())('a rebuild', () => {
  let rig: Rig;
  let shelf: Shelf;
  let platform: Platform;
  let stop: () => Promise<void>;
  let published: string[];

  beforeEach(async () => {
    rig = new Rig();
    shelf = new Shelf();
    published = [];
    await rig.prepare();
    rig.startNats();
    rig.startConsumers('history');
    await until('ready', () => rig.said('ready') === 1, WITHIN_MS);
    const settings = settingsFrom({ DATA_DIR: rig.dataDir, INTERNAL_SECRET: 'a-secret-of-the-tests-of-consumers' });
    platform = await platformOf(await rig.nats(), settings, () => {});
    stop = await runReadModel(shelfReadModel(shelf), platform);
  });
  afterEach(async () => {
    await stop();
    await rig.dispose();
  });

  const publish = async (...names: readonly string[]): Promise<void> => {
    for (const sessionId of names) await rig.publish(anEvent('message.created', { seq: 1, sessionId }));
    published.push(...names);
  };
  const archived = (): number => {
    const file = new DatabaseSync(join(rig.dataDir, 'history.db'), { readOnly: true });
    try {
      return Number(file.prepare('SELECT COUNT(*) AS events FROM events WHERE envelope IS NOT NULL').get()?.['events']);
    } finally {
      file.close();
    }
  };
  const settle = async (): Promise<void> => {
    await until('archived', () => archived() === published.length, WITHIN_MS);
    await until('on the shelf', () => shelf.current().size === published.length, WITHIN_MS);
  };
  const durables = async (): Promise<string[]> => {
    const names: string[] = [];
    const manager = await jetstreamManager(await rig.nats());
    for await (const { name, paused } of manager.consumers.list(EVENTS_STREAM))
      names.push(paused === true ? `${name}, paused` : name);
    return names.toSorted();
  };
  const rebuild = async (signal = new AbortController().signal, report = (): void => {}): Promise<number> =>
    await rebuildReadModel(shelfReadModel(shelf), { ...platform, time: fasterTime(30) }, { report, signal });

  it(
    'P1 has everything, also what left the stream, under load; the old one serves until then',
    { timeout: 120_000 },
    async () => {
      await publish(...numbers(1, 150).map((each) => `early-${each}`));
      await settle();
      const { streams } = await jetstreamManager(await rig.nats());
      await streams.purge(EVENTS_STREAM, { seq: 101 });
      // as when somebody removed the index
      shelf.current().clear();
      const sizes: number[] = [];
      const over = new AbortController();
      const load = (async () => {
        for (let each = 1; !over.signal.aborted; each += 1) {
          await publish(`late-${each}`);
          sizes.push(shelf.current().size);
        }
      })();
      await rebuild().finally(() => over.abort());
      await load;
      await settle();
      expect([...shelf.current().keys()].toSorted()).toEqual(published.toSorted());
      expect(sizes.length).toBeGreaterThan(10);
      // what served until the swap got the load, and nothing was taken from readers at the swap
      expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
      expect(shelf.generations()).toEqual([2]);
      expect(await durables()).toEqual([HISTORY_DURABLE, 'shelf']);
    },
  );

  it('that is given up leaves nothing behind, and one that died is cleared away by the next', { timeout: 60_000 }, async () => {
    await publish(...numbers(1, 70).map((each) => `book-${each}`));
    await settle();
    const ending = new AbortController();
    await expect(rebuild(ending.signal, () => ending.abort())).rejects.toBeInstanceOf(FeedStopped);
    expect(shelf.generations()).toEqual([1]);
    expect(await durables()).toEqual([HISTORY_DURABLE, 'shelf']);

    shelf.put(7);
    const { consumers } = await jetstreamManager(await rig.nats());
    await consumers.add(EVENTS_STREAM, { durable_name: DURABLE, ack_policy: 'explicit' });
    // two at the same moment: one of them is it
    const [one, other] = await Promise.allSettled([rebuild(), rebuild()]);
    expect([one.status, other.status].toSorted()).toEqual(['fulfilled', 'rejected']);
    expect([one, other].find(({ status }) => status === 'rejected')).toMatchObject({
      reason: expect.any(RebuildRefused) as object,
    });
    expect(shelf.generations()).toEqual([8]);
    expect([...shelf.current().keys()].toSorted()).toEqual(published.toSorted());
    expect(await durables()).toEqual([HISTORY_DURABLE, 'shelf']);
  });

  it('of the history is in place, by the command: rows as they were, at their own clocks', { timeout: 60_000 }, async () => {
    await publish(...numbers(1, 40).map((each) => `session-${each}`));
    await rig.publish(anEvent('message.updated', { seq: 2, sessionId: 'session-1', data: { messageSeq: 1, text: 'edited' } }));
    await rig.publish(anEvent('session.deleted', { seq: 2, sessionId: 'session-2' }));
    await until('archived', () => archived() === 42, WITHIN_MS);
    const file = new DatabaseSync(join(rig.dataDir, 'history.db'), { timeout: 5_000 });
    const tables = ['events', 'messages', 'sessions'];
    const dump = (): unknown[] =>
      tables.map((table) => {
        const all = file.prepare(`SELECT * FROM ${table} ORDER BY tenant, session_id`);
        all.setReadBigInts(true);
        return all.all();
      });
    const command = (name: string): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, [join(import.meta.dirname, '../../consumers/rebuild.ts'), name], {
        env: { PATH: process.env['PATH'], ...rig.consumerVariables },
        encoding: 'utf8',
        timeout: WITHIN_MS,
      });
    try {
      const before = dump();
      file.exec("DELETE FROM messages WHERE session_id <> 'session-2'; UPDATE sessions SET status = NULL, status_clock = NULL");
      expect(dump()).not.toEqual(before);
      const { status, stderr } = command('history');
      expect(stderr).toContain('history serves anew, from 42 events');
      expect(status).toBe(0);
      expect(dump()).toEqual(before);
      expect(command('histery')).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('history, notifications') as string,
      });
    } finally {
      file.close();
    }
  });
});
