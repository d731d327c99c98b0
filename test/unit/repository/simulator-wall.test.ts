import { join } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import { repositoryFiles, textOf } from './files.ts';
import { importsOf } from './walls.ts';

/** What is simulated is the product: the simulator brings clock, network and disks, and no rule of its own. */

const SIMULATOR = 'test/simulator/';
const sources = repositoryFiles()
  .filter((path) => path.startsWith(SIMULATOR) && path.endsWith('.ts'))
  .map((path) => ({ path, text: textOf(path) }));
/** they run seeds, and are no part of one */
const AROUND_IT = ['main.ts', 'pool.ts', 'planted.ts', 'seed-thread.ts', 'summary.ts'].map((name) => `${SIMULATOR}${name}`);
const inside = sources.filter(({ path }) => !AROUND_IT.includes(path));

/** The product's files that these import, directly or by way of others of the product. */
function reached(from: readonly { path: string; text: string }[]): Set<string> {
  const seen = new Set<string>();
  const follow = (path: string, text: string): void => {
    for (const name of importsOf(text).filter((each) => each.startsWith('.'))) {
      const target = join(path, '..', name);
      if (!/^(?:shared|worker|consumers)\//.test(target) || seen.has(target)) continue;
      seen.add(target);
      follow(target, textOf(target));
    }
  };
  for (const { path, text } of from) follow(path, text);
  return seen;
}

describe('the simulator', () => {
  it.each([
    'shared/core/decide.ts',
    'shared/core/apply.ts',
    'shared/core/upcast.ts',
    'worker/session/room.ts',
    'worker/session/outbox.ts',
    'worker/session/progress-log.ts',
    'worker/session/retention.ts',
    'worker/session/repair.ts',
    'worker/session/fan-out.ts',
    'worker/session/socket-door.ts',
    'worker/queries/traces.ts',
    'consumers/runtime/runner.ts',
    'consumers/runtime/batch.ts',
    'consumers/runtime/dead-letters.ts',
    'consumers/runtime/guard-loop.ts',
    'consumers/runtime/redrive.ts',
    'consumers/admin/redriver.ts',
    'consumers/receipts/queue.ts',
    'consumers/receipts/sender.ts',
    'consumers/query/answer.ts',
    'consumers/upkeep/upkeep.ts',
    'consumers/projections/history.ts',
    'consumers/projections/search.ts',
    'consumers/projections/analytics.ts',
    'consumers/projections/analytics-feeds.ts',
    'consumers/stores/history/sqlite.ts',
    'consumers/stores/search/sqlite.ts',
    'consumers/stores/analytics/sqlite.ts',
  ])('runs the product’s own %s', (path) => {
    expect(reached(inside)).toContain(path);
  });

  it('declares none of what the product decides, keeps or tells', () => {
    const rules =
      'decide|apply|stampEvent|upcast|eventParser|nextClock|Outbox|ProgressLog|Retention|Repair|FanOut|ReceiptQueue|ReceiptSender|BatchHandler|Runner|Guard|contiguous|addRanges|missingRanges';
    const own = new RegExp(`\\b(?:function|class|const|let)\\s+(?:${rules})\\b`);
    expect(sources.filter(({ text }) => own.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('writes no row of edge or store, but for what makes a session older', () => {
    const writing = /\b(?:INSERT|REPLACE)\s+(?:OR\s+\w+\s+)?INTO\b|\bUPDATE\s+\w+\s+SET\b|\bDELETE\s+FROM\b/i;
    const writers = sources.filter(({ text }) => writing.test(text)).map(({ path }) => path);
    expect(writers).toEqual([`${SIMULATOR}older-build.ts`]);
  });

  it('takes no real time and no real chance', () => {
    const real =
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bset(?:Timeout|Interval|Immediate)\(|\bperformance\.now\(|\brandomUUID\(/;
    expect(inside.filter(({ text }) => real.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
