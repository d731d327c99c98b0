import { expect, it } from 'vitest';
import { checkClock } from '../../../../consumers/doctor/nats-checks.ts';
import { checkWorkers } from '../../../../consumers/doctor/worker-checks.ts';
import type { ProcessReport, RoleReport } from '../../../../consumers/pulse/report.ts';

const NOW = 100_000;
const of = (...roles: RoleReport[]): ProcessReport => ({ v: 1, worker: String(Math.random()), roles, rebuilds: [] });
const role = (more: Partial<RoleReport> = {}): RoleReport => ({ role: 'history', state: 'running', sinceMs: 0, ...more });
const down = { store: { isUp: false, sinceMs: 40_000 } };

it.each([
  ['works', [role()], 'ok', /Processes that work as history: 1/],
  ['is worked on by nobody', [], 'error', /No process works as history/],
  ['cannot write to its store', [role(down)], 'error', /could write to its store, for 60 s/],
  ['can by one of two', [role(down), role({ store: { isUp: true, sinceMs: 0 } })], 'ok', /: 2/],
  ['waits for its store to start', [role({ state: 'starting', ...down })], 'error', /could write to its store/],
  ['waits for something else', [role({ state: 'starting' })], 'error', /waits for something/],
] as const)('a role that %s', (_what, roles, level, says) => {
  const found = checkWorkers(
    ['history'],
    roles.map((each) => of(each)),
    NOW,
  );
  expect(found).toMatchObject([{ check: 'worker:history', level }]);
  expect(found[0]?.says).toMatch(says);
});

it("a clock is compared with when the server says it answered, and the way there is nobody's fault", () => {
  const at = (ms: number): string => new Date(NOW + ms).toISOString();
  expect(checkClock(at(500), NOW, NOW + 1_000)).toMatchObject([{ level: 'ok' }]);
  expect(checkClock(at(3_000), NOW, NOW + 1_000)).toMatchObject([{ level: 'ok' }]);
  expect(checkClock(at(9_000), NOW, NOW + 1_000)).toMatchObject([{ level: 'warning' }]);
  expect(checkClock(at(-90_000), NOW, NOW + 1_000)).toMatchObject([{ level: 'error' }]);
  expect(checkClock(undefined, NOW, NOW)).toEqual([]);
});
