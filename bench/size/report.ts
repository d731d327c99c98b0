import { COMPARISONS, RATIO_MAX, type Comparison, type SizeResults } from './measure.ts';

const WIDTHS = [64, 12, 12, 7] as const;

/** The table of one system: a line per operation, with the ratio and whether it keeps within the target. */
export function sizeTable({ store, plan, comparisons }: SizeResults): string {
  const count = (events: number): string => `${events.toLocaleString('en-US')}`;
  return [
    row(
      `Events in the session (${store}): p50 ms`,
      count(plan.smallEvents),
      count(plan.largeEvents),
      'ratio',
      `target ${RATIO_MAX}`,
    ),
    ...comparisons.map((each) =>
      row(
        labelOf(each),
        each.small.p50.toFixed(2),
        each.large.p50.toFixed(2),
        `×${each.ratio.toFixed(2)}`,
        each.isMet ? 'met' : 'missed',
      ),
    ),
  ].join('\n');
}

function labelOf({ name, from }: Comparison): string {
  if (from === undefined) return COMPARISONS[name];
  const where = from.small === from.large ? `both of the ${from.small}` : `${from.small} beside ${from.large}`;
  return `${COMPARISONS[name]} (${where})`;
}

function row(label: string, ...cells: string[]): string {
  return [
    label.padEnd(WIDTHS[0]),
    ...cells.map((cell, index) => (index < WIDTHS.length - 1 ? cell.padStart(WIDTHS[index + 1] as number) : `  ${cell}`)),
  ].join('');
}

/** What the figures are of. */
export function sizeNotes({ plan, seedMs }: SizeResults): string {
  return `Sessions in turn, ${plan.samples} samples of each, over HTTP and a socket with a token. The small session grows by its own
commands while they are measured. It is still whole at the edge: its page comes from there, and beside one of the store shows what
the store costs and not what size costs; for that, the page of the store is measured beside a session of which as many events
left the edge as the small one has. The large session took ${(seedMs / 1_000).toFixed(0)} s to fill.`;
}
