import type { WhereTimeGoes } from './profile.ts';
import type { ImportResult, ImportResults } from './run.ts';
import { LABELS, RATIO_MIN, type TargetName } from './targets.ts';

const WIDTHS = [28, 10, 11, 10, 7, 8, 10, 14, 8, 6] as const;
const MIB = 1024 ** 2;

/** A line per read model and store: its own rate beside the driver's, and whether memory stays. */
export function importTable({ results }: ImportResults): string {
  const head = row(
    'read model, store',
    'events/s',
    'driver/s',
    'in flight',
    'ratio',
    `≥ ${RATIO_MIN}`,
    'stream/s',
    'MiB 1st→last',
    'CPU µs',
    'load',
  );
  return [head, ...results.map(importLine)].join('\n');
}

export function importLine({ target, consumed, driver, ratio, streamEventsPerS, isMet, load }: ImportResult): string {
  const { memory } = consumed;
  const grown = memory === undefined ? '–' : `${mib(memory.firstBytes)} → ${mib(memory.lastBytes)}`;
  return row(
    LABELS[target],
    count(consumed.eventsPerS),
    count(driver.eventsPerS),
    count(driver.inFlight),
    ratio.toFixed(2),
    isMet ? 'met' : 'missed',
    count(streamEventsPerS),
    grown,
    count(consumed.cpuUs),
    load.toFixed(1),
  );
}

function row(...cells: string[]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[index] ?? 0)))
    .join(' ')
    .trimEnd();
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function mib(bytes: number): string {
  return String(Math.round(bytes / MIB));
}

/** What the figures are of. */
export function importNotes({ events, payloadBytes, results }: ImportResults): string {
  const probes = results.map(({ target, probes: each }) => {
    const rates = each.map(({ inFlight, eventsPerS }) => `${count(inFlight)}: ${count(eventsPerS)}`);
    return `  ${LABELS[target]}: driver's events/s by what is in flight ${rates.join(', ')}`;
  });
  return `${count(events)} events of ${count(payloadBytes / events)} bytes in the stream beforehand; each consumer alone, as a process of its own, from its first
delivery to the acknowledgement of its last event; a driver's events are those that its read model takes. The driver is given the
same writes, made beforehand, in a fresh keyspace, index or file. MiB are resident, mean of when 20 to 40 % were
done and of the last fifth; CPU is the consumer's process, per event. stream/s is a read model that stores nothing: no consumer of
one process takes more, whatever its driver does. The load is of the whole machine: compare within a line.
${probes.join('\n')}`;
}

export function whereLines(target: TargetName, { parts, functions }: WhereTimeGoes): string[] {
  const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(5)} %`;
  return [
    `\n${LABELS[target]} missed the ratio. Where the time of its consumer's main thread goes, by file or package:`,
    ...parts.map(({ name, share }) => `  ${percent(share)}  ${name}`),
    'and by function, without what it calls:',
    ...functions.map(({ name, share }) => `  ${percent(share)}  ${name}`),
  ];
}
