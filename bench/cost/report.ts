import { priceOf, PRICES } from './prices.ts';
import type { Step } from './run.ts';
import type { Usage } from './usage.ts';

const COLUMNS: readonly [title: string, of: (usage: Usage) => number, decimals: number][] = [
  ['rows written', (usage) => usage.rowsWritten, 2],
  ['object requests', (usage) => usage.objectRequests, 2],
  ['socket messages', (usage) => usage.socketMessages, 2],
  ['alarms', (usage) => usage.alarms, 2],
  ['wake-ups', (usage) => usage.wakes, 2],
  ['Worker requests', (usage) => usage.workerRequests, 2],
  ['active ms', (usage) => usage.activeMs, 1],
  ['$ per million', (usage) => priceOf(usage).total * 1_000_000, 2],
];

/** A line per step, what it is made of below it. */
export function costTable(steps: readonly Step[]): string {
  const head = ['for each', ...COLUMNS.map(([title]) => title)];
  const body = steps.map(({ kind, usage }) => [kind, ...COLUMNS.map(([, of, decimals]) => of(usage).toFixed(decimals))]);
  const lines = [head, ...body];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const row = (line: readonly string[]): string =>
    line.map((text, at) => (at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0))).join('  ');
  const details = steps.map(({ kind, usage }) => `${kind}\n  rows: ${parts(usage.rows)}\n  calls: ${parts(usage.calls)}`);
  return `${lines.map(row).join('\n')}

${details.join('\n')}

Counted in workerd by servers/counting-edge.mjs, with NATS and all consumers; prices as of ${PRICES.date} (${PRICES.source}),
without what the plan includes. Active time is that of this machine, without the network between a deployment's parts.`;
}

function parts(of: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(of).toSorted(([, a], [, b]) => b - a);
  return sorted.length === 0 ? 'none' : sorted.map(([name, count]) => `${name} ${Number(count.toFixed(3))}`).join(', ');
}
