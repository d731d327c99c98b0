import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LagWatch } from '../../../consumers/metrics/lag-watch.ts';
import { prometheusMetrics } from '../../../consumers/metrics/prometheus.ts';
import { exposition } from '../../../worker/metrics/exposition.ts';
import { parseExposition, type Family } from '../../support/exposition.ts';

/** docs/metrics.md lists every metric as it is, and no other: a page of names that are not there helps nobody at night. */

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');

/** As the page has it: name, type, labels, and the help text. */
function rowOf({ name, type, help, samples }: Family): string {
  const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
  labels.delete('le');
  const names = [...labels].toSorted().map((label) => `\`${label}\``);
  return `| \`${name}\` | ${type} | ${names.join(', ')} | ${help} |`;
}

function rowsOf(families: ReadonlyMap<string, Family>): string[] {
  return [...families.values()].filter(({ name }) => name.startsWith('millrace_')).map(rowOf);
}

function rowsUnder(heading: string): string[] {
  const section = PAGE.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return section.split('\n').filter((line) => line.startsWith('| `'));
}

async function consumerFamilies(): Promise<Map<string, Family>> {
  const metrics = prometheusMetrics();
  metrics.batch('history', 1, 1);
  metrics.sinkFailed('history', 'bug');
  metrics.waiting('history', 1);
  metrics.buried('history', 'unparsable');
  metrics.receiptTaken(1);
  metrics.partUp('history', true);
  const name = { consumer: 'history', stream: 'MILLRACE_EVENTS' };
  const look = async () =>
    await Promise.resolve({
      atMs: 0,
      streams: [{ stream: 'MILLRACE_EVENTS', bytes: 1, messages: 1, maxBytes: 2 }],
      durables: [{ name, created: '', pending: 0, ackPending: 0, redelivered: 0, settled: 0 }],
      missing: [],
      deadLetters: new Map<string, number>(),
    });
  const watch = new LagWatch({ look, log: () => {} });
  await watch.turn();
  metrics.addLag(watch, () => 0);
  return parseExposition(await metrics.exposition());
}

test('the page lists the metrics of consumers', async () => {
  expect(rowsUnder('Consumers').toSorted()).toEqual(rowsOf(await consumerFamilies()).toSorted());
});

test('the page lists the metrics of the edge', () => {
  const figures = { startedAtMs: 0, counts: {}, outbox: { events: 0, sessions: 0 }, sockets: 0 };
  const families = parseExposition(exposition([{ name: 'uplink-0', figures }], 0));
  expect(rowsUnder('Edge').toSorted()).toEqual(rowsOf(families).toSorted());
});
