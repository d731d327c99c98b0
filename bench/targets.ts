/** What was promised of a figure, and whether it was kept: printed at the end of a run, missed ones too. */
export interface Verdict {
  /** of which figure */
  what: string;
  measured: number;
  bound: 'at least' | 'at most';
  limit: number;
  /** what both numbers are of, such as `× Socket.IO` or `ms` */
  unit: string;
  isMet: boolean;
}

export function atLeast(what: string, measured: number | undefined, limit: number, unit: string): Verdict[] {
  return measured === undefined ? [] : [{ what, measured, bound: 'at least', limit, unit, isMet: measured >= limit }];
}

export function atMost(what: string, measured: number | undefined, limit: number, unit: string): Verdict[] {
  return measured === undefined ? [] : [{ what, measured, bound: 'at most', limit, unit, isMet: measured <= limit }];
}

/** A line per target. What was not measured in this run is not in it. */
export function targetTable(verdicts: readonly Verdict[]): string {
  const lines = [
    ['target', 'measured', 'wanted', ''],
    ...verdicts.map(({ what, measured, bound, limit, unit, isMet }) => [
      what,
      `${figure(measured)} ${unit}`,
      `${bound} ${figure(limit)}`,
      isMet ? 'met' : 'MISSED',
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, at) => text.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function figure(value: number): string {
  const decimals = value >= 1_000 ? 0 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: decimals });
}
