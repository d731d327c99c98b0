import { median } from './stats.ts';

/** Lines of cells as a table: the first column to the left, all others to the right. */
export function textTable(lines: readonly (readonly string[])[]): string {
  const columns = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    line.map((text, at) => (at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0))).join('  ');
  return lines.map((line) => format(line).trimEnd()).join('\n');
}

/** `median (least–most)`. */
export function spreadOf(samples: readonly number[], decimals: number): string {
  const text = (value: number): string =>
    value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return `${text(median(samples))} (${text(Math.min(...samples))}–${text(Math.max(...samples))})`;
}
