/** Figures as people read them. */

const WHOLE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, notation: 'compact' });
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** All digits up to 9,999, and beyond that about as many. */
export function countOf(value: number): string {
  return value < 10_000 ? WHOLE.format(value) : SHORT.format(value);
}

export function bytesOf(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 1_024 && unit < BYTE_UNITS.length - 1) {
    rest /= 1_024;
    unit += 1;
  }
  return `${rest < 10 && unit > 0 ? rest.toFixed(1) : Math.round(rest)} ${BYTE_UNITS[unit] ?? ''}`;
}

/** Per second; a small rate is not nothing. */
export function rateOf(perS: number): string {
  if (perS === 0) return '0/s';
  return perS < 10 ? `${perS.toFixed(1)}/s` : `${countOf(perS)}/s`;
}

/** A length of time in its two largest units: "340 ms", "12 s", "3 min 5 s", "2 h 10 min", "4 d 3 h". */
export function durationOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const s = Math.floor(ms / 1_000);
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return joined(min, 'min', s % 60, 's');
  const h = Math.floor(min / 60);
  if (h < 24) return joined(h, 'h', min % 60, 'min');
  return joined(Math.floor(h / 24), 'd', h % 24, 'h');
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

export function agoOf(at: string, nowMs: number): string {
  return `${durationOf(Math.max(0, nowMs - Date.parse(at)))} ago`;
}

export function percentOf(share: number): string {
  return `${Math.floor(share * 100)} %`;
}
