import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureChdb } from '../../scripts/launch/chdb.mjs';
import type { AnalyticsPoint, AnalyticsQuery } from '../../shared/contract/analytics.ts';
import { generateMeetings } from '../support/meetings.ts';
import { archivedEvents, MINUTE_MS, naiveFigures, receipted } from '../support/naive-figures.ts';
import { replay } from '../support/replay-process.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, until, type Stack } from '../support/stack.ts';

const SEED = 20260207;
/** receipts come once a second and session, and are pulled after at most five */
const FIGURES_MS_MAX = 60_000;

interface Figures<Q extends AnalyticsQuery> {
  items: AnalyticsPoint<Q>[];
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
        expect(code, stderr).toBe(0);

        const events = await archivedEvents(stack.dataDir);
        const measured = await receipted(stack.nats, events);
        // what was in hand when the consumers were killed is persisted, and nobody was told of it
        expect(measured.length).toBeGreaterThan(events.length / 2);
        const { fromMs, toMs, ...naive } = naiveFigures(events, measured);
        expect(naive.messages.reduce((sum, point) => sum + point.messages, 0)).toBe(
          meetings.reduce((sum, meeting) => sum + meeting.messages.length, 0),
        );
        for (const query of ['messages', 'active-users', 'sessions', 'latency'] as const) {
          let found: unknown;
          const same = async (): Promise<boolean> => {
            found = await figures(query, fromMs, toMs);
            // the last receipts are told while we look
            if (query === 'latency') naive.latency = naiveFigures(events, await receipted(stack.nats, events)).latency;
            return isDeepStrictEqual(found, naive[query]);
          };
          await until(query, same, FIGURES_MS_MAX).catch(() => expect(found, query).toEqual(naive[query]));
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
