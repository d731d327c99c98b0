import { SizedSession } from '../size/sized-session.ts';
import { startServer } from '../processes.ts';
import { spread, type Spread } from '../stats.ts';
import { atMost, type Verdict } from '../targets.ts';
import { textTable } from '../text-table.ts';

/** issue 10: what a resume costs goes by what was missed, and by nothing else */
const MISSED = [1, 100, 1_000, 10_000] as const;
/** an event between 1,000 and 10,000 missed may cost so many times what one between 100 and 1,000 does: more would not be linear */
const LINEAR_MAX = 1.5;
const SMALL_EVENTS = 10_100;
const LARGE_EVENTS = 60_000;
/** the same resume in a session that is six times as large */
const OF_SMALL_MAX = 1.2;
const SAMPLES_QUICK = 40;
const SAMPLES_LONG = 200;
const WARMUP_SAMPLES = 5;

interface Resumed {
  missed: number;
  small: Spread;
  large: Spread;
}

/** From the connection to the last missed event, in a session and in one that is larger. */
export async function runResume(options: { quick: boolean }): Promise<{ raw: Resumed[]; verdicts: Verdict[] }> {
  console.log('\nresume: starting Millrace and filling two sessions …');
  const server = await startServer('servers/millrace.ts', ['--edge-only']);
  const { url, jwtSecret = '' } = server.announcement;
  const [small, large] = ['resume-small', 'resume-large'].map((id) => new SizedSession({ url, jwtSecret }, id)) as [
    SizedSession,
    SizedSession,
  ];
  try {
    await small.seed(SMALL_EVENTS);
    await large.seed(LARGE_EVENTS);
    const results: Resumed[] = [];
    for (const missed of MISSED) {
      const samples =
        missed > 1_000 ? (options.quick ? SAMPLES_QUICK : SAMPLES_LONG) / 4 : options.quick ? SAMPLES_QUICK : SAMPLES_LONG;
      results.push({ missed, ...(await byTurns(small, large, missed, samples)) });
    }
    console.log(`\n${resumeTable(results)}`);
    return { raw: results, verdicts: verdictsOf(results) };
  } finally {
    small.close();
    large.close();
    await server.stop();
  }
}

async function byTurns(small: SizedSession, large: SizedSession, missed: number, samples: number) {
  const times = { small: [] as number[], large: [] as number[] };
  for (let at = -WARMUP_SAMPLES; at < samples; at += 1) {
    for (const [name, session] of [
      ['small', small],
      ['large', large],
    ] as const) {
      const startedAt = performance.now();
      await session.resume(missed);
      if (at >= 0) times[name].push(performance.now() - startedAt);
    }
  }
  return { small: spread(times.small), large: spread(times.large) };
}

function verdictsOf(results: readonly Resumed[]): Verdict[] {
  const [, hundred, thousand, many] = results;
  if (hundred === undefined || thousand === undefined || many === undefined) return [];
  const perEvent = (from: Resumed, to: Resumed): number => (to.small.p50 - from.small.p50) / (to.missed - from.missed);
  return [
    ...atMost(
      'an event more, from 1,000 to 10,000 missed',
      perEvent(thousand, many) / perEvent(hundred, thousand),
      LINEAR_MAX,
      '× from 100',
    ),
    ...atMost('a resume of 10,000 in 60,000 events', many.large.p50 / many.small.p50, OF_SMALL_MAX, '× in 10,100 events'),
  ];
}

function resumeTable(results: readonly Resumed[]): string {
  const rows = results.map(({ missed, small, large }) => [
    missed.toLocaleString('en-US'),
    small.p50.toFixed(2),
    small.p99.toFixed(2),
    large.p50.toFixed(2),
    ((small.p50 * 1_000) / missed).toFixed(1),
  ]);
  const events = (count: number): string => `of ${count.toLocaleString('en-US')}`;
  const head = ['missed events', `${events(SMALL_EVENTS)}: p50 ms`, 'p99 ms', `${events(LARGE_EVENTS)}: p50 ms`, 'µs an event'];
  return `${textTable([head, ...rows])}\n\nFrom the connection to the last missed event, by turns; a token, no ticket; the edge alone, all events in its tail.`;
}
