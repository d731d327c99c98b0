import type { UplinkFigures } from '../uplink/api.ts';
import {
  ACCEPT_MS_BOUNDS,
  acceptCount,
  acceptSumMs,
  BATCHES,
  commandCount,
  DOORS,
  EVENTS,
  failureCount,
  OUTCOMES,
  PUBLISH_FAILURES,
  resumeCount,
  RESUMES,
  SOCKETS_OPENED,
  type Counts,
} from './counts.ts';

/** What Prometheus reads at the edge (text exposition format 0.0.4). */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** An Uplink of the pool, and what it said; undefined: it did not, in time. */
export interface AskedUplink {
  /** unique, and the same at every scrape: a counter that goes back is one Uplink's, and not a sum's */
  name: string;
  figures: UplinkFigures | undefined;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number, suffix?: string];

interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  samples(figures: UplinkFigures, nowMs: number): Sample[];
}

const of = (counts: Counts, name: string): number => counts[name] ?? 0;

const FAMILIES: readonly Family[] = [
  {
    name: 'millrace_commands_total',
    type: 'counter',
    help: 'Commands by door and outcome; one that is tried again counts again. Counted where it was decided, and told with the next publish.',
    samples: ({ counts }) =>
      DOORS.flatMap((door) => OUTCOMES.map((outcome): Sample => [{ door, outcome }, of(counts, commandCount(door, outcome))])),
  },
  {
    name: 'millrace_accept_duration_seconds',
    type: 'histogram',
    help: 'From when an accepted command reached its Session until it was durable, in seconds; the way through the Worker is not in it.',
    samples: ({ counts }) => DOORS.flatMap((door) => acceptSamples(counts, door)),
  },
  {
    name: 'millrace_sockets',
    type: 'gauge',
    help: 'Open sockets of the sessions that published something in the last 15 minutes.',
    samples: ({ sockets }) => [[{}, sockets]],
  },
  {
    name: 'millrace_sockets_opened_total',
    type: 'counter',
    help: 'Sockets that sessions took in.',
    samples: ({ counts }) => [[{}, of(counts, SOCKETS_OPENED)]],
  },
  {
    name: 'millrace_resumes_total',
    type: 'counter',
    help: 'Sockets that came back with a cursor: resumed got what follows it, snapshot was away for too long, refused was not let in.',
    samples: ({ counts }) => RESUMES.map((outcome): Sample => [{ outcome }, of(counts, resumeCount(outcome))]),
  },
  {
    name: 'millrace_outbox_events',
    type: 'gauge',
    help: 'Accepted events that JetStream has not acknowledged, of sessions that tried to publish in the last 2 minutes.',
    samples: ({ outbox }) => [[{}, outbox.events]],
  },
  {
    name: 'millrace_outbox_sessions',
    type: 'gauge',
    help: 'Sessions that have such events.',
    samples: ({ outbox }) => [[{}, outbox.sessions]],
  },
  {
    name: 'millrace_outbox_oldest_age_seconds',
    type: 'gauge',
    help: 'Age of the oldest such event, in seconds; 0 when there is none.',
    samples: ({ outbox: { oldestAtMs } }, nowMs) => [
      [{}, oldestAtMs === undefined ? 0 : Math.max(0, nowMs - oldestAtMs) / 1_000],
    ],
  },
  {
    name: 'millrace_uplink_batches_total',
    type: 'counter',
    help: 'Publishes that Sessions asked of an Uplink.',
    samples: ({ counts }) => [[{}, of(counts, BATCHES)]],
  },
  {
    name: 'millrace_uplink_events_total',
    type: 'counter',
    help: 'Events that JetStream acknowledged.',
    samples: ({ counts }) => [[{}, of(counts, EVENTS)]],
  },
  {
    name: 'millrace_uplink_failures_total',
    type: 'counter',
    help: 'Publishes that were not acknowledged as a whole, by why.',
    samples: ({ counts }) => PUBLISH_FAILURES.map((reason): Sample => [{ reason }, of(counts, failureCount(reason))]),
  },
  {
    name: 'millrace_uplink_started_timestamp_seconds',
    type: 'gauge',
    help: 'Since when an Uplink counts, in seconds since 1970: an evicted one begins at zero, and what its Sessions had not told is lost.',
    samples: ({ startedAtMs }) => [[{}, startedAtMs / 1_000]],
  },
];

export function exposition(uplinks: readonly AskedUplink[], nowMs: number): string {
  const lines: string[] = [];
  for (const { name, type, help, samples } of FAMILIES) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const uplink of uplinks) {
      if (uplink.figures === undefined) continue;
      for (const [labels, value, suffix = ''] of samples(uplink.figures, nowMs)) {
        lines.push(line(`${name}${suffix}`, { ...labels, uplink: uplink.name }, value));
      }
    }
  }
  lines.push('# HELP millrace_part_up 1 when an Uplink answered this scrape in time, else 0.', '# TYPE millrace_part_up gauge');
  for (const { name, figures } of uplinks) lines.push(line('millrace_part_up', { part: name }, figures === undefined ? 0 : 1));
  return `${lines.join('\n')}\n`;
}

function acceptSamples(counts: Counts, door: (typeof DOORS)[number]): Sample[] {
  let count = 0;
  const bounds = [...ACCEPT_MS_BOUNDS.map((ms) => String(ms / 1_000)), '+Inf'];
  const buckets = bounds.map((le, bucket): Sample => {
    count += of(counts, acceptCount(door, bucket));
    return [{ door, le }, count, '_bucket'];
  });
  return [...buckets, [{ door }, of(counts, acceptSumMs(door)) / 1_000, '_sum'], [{ door }, count, '_count']];
}

/** Label values are names of ours: none of them needs escaping. */
function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  return `${name}{${pairs.join(',')}} ${value}`;
}
