import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../scripts/launch/common.mjs';
import type { Family } from './exposition.ts';

/** What alert rules say of figures that were read from a running system, judged by Prometheus' own tool. */

const RULES = join(import.meta.dirname, '../../deploy/prometheus/alerts.yml');
const PROMTOOL_MS_MAX = 60_000;
/** as deploy/prometheus/prometheus.yml asks */
const INTERVAL_S = 10;
/** each frame stands for so long: longer than those alerts wait that are looked at */
const SCRAPES_PER_FRAME = 6;

export interface Frame {
  /** what each endpoint said at that moment, by its job */
  scraped: Readonly<Record<string, ReadonlyMap<string, Family>>>;
  /** which of the alerts that are looked at fire then, and no other of them */
  firing: readonly string[];
}

/** Empty when each frame has the alerts that it should have; else what promtool says. `looked` are the alerts in question. */
export async function judgeFrames(promtool: string, frames: readonly Frame[], looked: readonly string[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-frames-'));
  try {
    const file = join(directory, 'frames.test.yml');
    // JSON is YAML
    writeFileSync(file, JSON.stringify(ruleTest(frames, looked)));
    const { code, output } = await run(promtool, ['test', 'rules', file], { timeoutMs: PROMTOOL_MS_MAX });
    return code === 0 ? '' : output;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What `promtool check metrics` complains of in an exposition; empty: nothing. */
export async function lint(promtool: string, exposition: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-lint-'));
  try {
    const file = join(directory, 'metrics.txt');
    writeFileSync(file, exposition);
    const { code, output } = await run('sh', ['-c', '"$0" check metrics < "$1"', promtool, file], { timeoutMs: PROMTOOL_MS_MAX });
    return code === 0 ? '' : output || `exit code ${code}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function ruleTest(frames: readonly Frame[], looked: readonly string[]): object {
  // analytics may have receipts in hand when NATS is stopped: they come again after a minute, and are late until then
  const selector = `ALERTS{alertstate="firing",alertname=~"${looked.join('|')}",stream!="MILLRACE_RECEIPTS"}`;
  return {
    rule_files: [RULES],
    evaluation_interval: `${INTERVAL_S}s`,
    tests: [
      {
        interval: `${INTERVAL_S}s`,
        input_series: seriesOf(frames),
        promql_expr_test: frames.map(({ firing }, index) => ({
          expr: `count by (alertname) (${selector})`,
          // in the last moment of the frame
          eval_time: `${((index + 1) * SCRAPES_PER_FRAME - 1) * INTERVAL_S}s`,
          exp_samples: firing.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
        })),
      },
    ],
  };
}

function seriesOf(frames: readonly Frame[]): { series: string; values: string }[] {
  const values = new Map<string, (number | undefined)[]>();
  for (const [index, { scraped }] of frames.entries()) {
    for (const [job, families] of Object.entries(scraped)) {
      for (const [series, value] of samplesOf(job, families)) {
        const known = values.get(series) ?? [];
        known[index] = value;
        values.set(series, known);
      }
    }
  }
  return [...values].map(([series, known]) => {
    const spans = frames.map((_frame, index) => {
      const value = known[index];
      // a series that is no longer scraped is stale, and not as it was
      return value === undefined ? `stale _x${SCRAPES_PER_FRAME - 1}` : `${value}x${SCRAPES_PER_FRAME - 1}`;
    });
    return { series, values: spans.join(' ') };
  });
}

function samplesOf(job: string, families: ReadonlyMap<string, Family>): [series: string, value: number][] {
  return [...families.values()]
    .filter(({ name }) => name.startsWith('millrace_'))
    .flatMap(({ samples }) => samples)
    .map(({ name, labels, value }) => {
      const pairs = Object.entries({ ...labels, job, instance: job }).map(([label, text]) => `${label}="${text}"`);
      return [`${name}{${pairs.join(',')}}`, value];
    });
}
