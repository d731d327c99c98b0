import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqliteHistory } from '../../consumers/stores/history/sqlite.ts';
import { ensureChdb } from '../../scripts/launch/chdb.mjs';
import type { AnalyticsPoint, AnalyticsQuery } from '../../shared/contract/analytics.ts';
import type { Event } from '../../shared/core/types.ts';
import { generateMeetings } from '../support/meetings.ts';
import { replay } from '../support/replay-process.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, until, type Stack } from '../support/stack.ts';

const SEED = 20260207;
const MINUTE_MS = 60_000;
/** receipts come once a second and session, and are pulled after at most five */
const FIGURES_MS_MAX = 60_000;

interface Figures<Q extends AnalyticsQuery> {
  items: AnalyticsPoint<Q>[];
}

/** Every event that the history has archived, read from its file. */
async function archived(dataDir: string): Promise<Event[]> {
  const store = openSqliteHistory({ path: join(dataDir, 'history.db'), writes: false });
  try {
    const all: Event[] = [];
    for await (const { events } of store.scanEvents()) all.push(...events.map(({ event }) => event));
    return all;
  } finally {
    await store.close();
  }
}

function suite(name: string, variables: () => Promise<Record<string, string>>): void {
  describe(name, () => {
    let stack: Stack;
    let folder: string;
    let admin: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-figures-'));
      stack = await startStack({ env: await variables() });
      admin = await stack.token('olga', { scope: 'admin' });
    });
    afterAll(async () => {
      await stack?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    async function figures<Q extends AnalyticsQuery>(query: Q, fromMs: number, toMs: number): Promise<AnalyticsPoint<Q>[]> {
      const span = `step=minute&from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`;
      const response = await fetch(`${stack.url}/v1/admin/analytics/${query}?${span}`, {
        headers: { Authorization: `Bearer ${admin}` },
      });
      if (!response.ok) return [];
      return ((await response.json()) as Figures<Q>).items;
    }

    it(
      'P1 figures per minute of eight meetings are those of a naive count, though consumers are killed',
      { timeout: 300_000 },
      async () => {
        const meetings = generateMeetings(SEED);
        const file = join(folder, 'meetings.jsonl');
        await writeFile(file, meetings.map((meeting) => JSON.stringify(meeting)).join('\n'));
        const played = replay(['--url', stack.url, file, '--rate', '150', '--json'], stack.dataDir);
        await until('replay has begun', () => played.played() > 100, 60_000);
        stack.kill('consumers');
        const { code, stderr } = await played.ended;
        console.log('DEBUG ended', code, stderr.slice(-500));
        expect(code, stderr).toBe(0);

        const events = await archived(stack.dataDir);
        const times = events.map(({ time }) => Date.parse(time));
        const fromMs = Math.floor(Math.min(...times) / MINUTE_MS) * MINUTE_MS;
        const toMs = (Math.floor(Math.max(...times) / MINUTE_MS) + 1) * MINUTE_MS;
        const minutes = Array.from({ length: (toMs - fromMs) / MINUTE_MS }, (_none, index) => fromMs + index * MINUTE_MS);
        const within = (from: number): Event[] =>
          events.filter(({ time }) => Date.parse(time) >= from && Date.parse(time) < from + MINUTE_MS);
        const at = (from: number): string => new Date(from).toISOString();
        const messages = minutes.map((from) => ({
          at: at(from),
          messages: within(from).filter(({ type }) => type === 'message.created').length,
        }));
        expect(messages.reduce((sum, point) => sum + point.messages, 0)).toBe(
          meetings.reduce((sum, meeting) => sum + meeting.messages.length, 0),
        );
        await until(
          'every event has its receipt in the figures',
          async () => (await figures('latency', fromMs, toMs)).reduce((sum, point) => sum + point.events, 0) === events.length,
          FIGURES_MS_MAX,
        );
        expect(await figures('messages', fromMs, toMs)).toEqual(messages);
        expect(await figures('active-users', fromMs, toMs)).toEqual(
          minutes.map((from) => ({ at: at(from), users: new Set(within(from).map(({ actor }) => actor)).size })),
        );
        expect(await figures('sessions', fromMs, toMs)).toEqual(
          minutes.map((from) => ({
            at: at(from),
            created: within(from).filter(({ type }) => type === 'session.created').length,
            active: new Set(within(from).map(({ sessionid }) => sessionid)).size,
          })),
        );
        for (const { events: measured, publishedMs, persistedMs } of await figures('latency', fromMs, toMs)) {
          expect(persistedMs.p50).toBeGreaterThanOrEqual(publishedMs.p50);
          expect(persistedMs.p99 > 0).toBe(measured > 0);
        }
      },
    );

    it('streams, traces and dead letters are counted with how they ended', async () => {
      const alice = await stack.token('alice');
      const post = async (path: string, body: object): Promise<{ entityId: string }> => {
        const response = await fetch(`${stack.url}/v1/sessions${path}`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${alice}`, 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        });
        expect(response.status).toBe(202);
        return (await response.json()) as { entityId: string };
      };
      const fromMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
      await post('', { id: 'work', title: 'Work' });
      const { entityId: stream } = await post('/work/streams', {});
      await post(`/work/streams/${stream}/finish`, { status: 'failed', text: 'as far as it came' });
      const { entityId: trace } = await post('/work/traces', { name: 'Look' });
      await post(`/work/traces/${trace}/finish`, { status: 'completed' });
      await until(
        'both are counted',
        async () => {
          const toMs = Date.now() + MINUTE_MS;
          const ended = (points: { completed: number; failed: number }[]): [number, number] => [
            points.reduce((sum, { completed }) => sum + completed, 0),
            points.reduce((sum, { failed }) => sum + failed, 0),
          ];
          const [streams, traces] = [await figures('streams', fromMs, toMs), await figures('traces', fromMs, toMs)];
          const [, failedStreams] = ended(streams);
          const [completedTraces] = ended(traces);
          return failedStreams === 1 && completedTraces === 1;
        },
        FIGURES_MS_MAX,
      );
      const errors = await figures('errors', fromMs, Date.now() + MINUTE_MS);
      expect(errors.reduce((sum, point) => sum + point.failedStreams, 0)).toBe(1);
    });
  });
}

const module = await ensureChdb().then(
  (path) => ({ path }),
  (error: unknown) => ({ missing: error instanceof Error ? error.message : String(error) }),
);

requireOrSkip('nats-server', natsServerMissing())('analytics', () => {
  suite('in the embedded store', async () => await Promise.resolve({}));
  requireOrSkip('the engine of ClickHouse', 'missing' in module ? module.missing : undefined)('on ClickHouse', () => {
    let directory: string;
    afterAll(async () => await rm(directory, { recursive: true, force: true }));
    suite('by its engine', async () => {
      directory = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-'));
      return { ANALYTICS_URL: `chdb:${directory}/data`, CHDB_MODULE: 'path' in module ? module.path : '' };
    });
  });
});
