/** Reads what Prometheus scrapes (text exposition format 0.0.4), and takes nothing that it would not. */

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

export interface Family {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram' | 'summary';
  samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/gy;
const TYPES: readonly string[] = ['counter', 'gauge', 'histogram', 'summary'];

/** Throws on the first line that is not of the format, and where a family is not whole. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const helps = new Map<string, string>();
  let current: Family | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, what, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (what === 'HELP') helps.set(name, rest);
    else if (what === 'TYPE') {
      if (!NAME.test(name) || !TYPES.includes(rest)) throw new Error(`no type: ${line}`);
      if (families.has(name)) throw new Error(`${name} comes twice`);
      current = { name, help: helps.get(name) ?? '', type: rest as Family['type'], samples: [] };
      families.set(name, current);
    } else {
      const sample = parseSample(line);
      if (current === undefined || !belongs(sample, current)) throw new Error(`a sample outside its family: ${line}`);
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) check(family);
  return families;
}

function parseSample(line: string): Sample {
  const [, name = '', labelled = '', number = ''] = SAMPLE.exec(line) ?? [];
  if (name === '') throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  let end = 0;
  for (const match of labelled.matchAll(LABEL)) {
    const [all, label = '', value = ''] = match;
    if (label in labels) throw new Error(`a label twice: ${line}`);
    labels[label] = value;
    end = match.index + all.length;
  }
  if (end !== labelled.length) throw new Error(`bad labels: ${line}`);
  const value = valueOf(number);
  // what a library of a process has no figure for yet is NaN; of ours there always is one
  if (Number.isNaN(value) && (number.toLowerCase() !== 'nan' || name.startsWith('millrace_')))
    throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

function valueOf(text: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return /^[-+0-9.e]+$/i.test(text) ? Number(text) : Number.NaN;
}

function belongs({ name }: Sample, family: Family): boolean {
  if (family.type === 'histogram') return ['_bucket', '_sum', '_count'].some((suffix) => name === family.name + suffix);
  if (family.type === 'summary')
    return name === family.name || ['_sum', '_count'].some((suffix) => name === family.name + suffix);
  return name === family.name;
}

function check(family: Family): void {
  const { name, help, type, samples } = family;
  if (help === '') throw new Error(`${name} has no HELP`);
  const series = samples.map((sample) => seriesOf(sample));
  if (new Set(series).size !== series.length) throw new Error(`${name} has a series twice`);
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`the counter ${name} does not end in _total`);
  if (type === 'counter' && samples.some(({ value }) => value < 0)) throw new Error(`${name} is below zero`);
  if (type === 'histogram') checkHistogram(family);
}

function checkHistogram({ name, samples }: Family): void {
  const counts = new Map<string, number>();
  const last = new Map<string, { le: number; value: number }>();
  for (const { name: each, labels, value } of samples) {
    const { le, ...rest } = labels;
    const key = seriesOf({ name, labels: rest });
    if (each === `${name}_count`) counts.set(key, value);
    if (each !== `${name}_bucket`) continue;
    const bound = valueOf(le ?? '');
    const before = last.get(key);
    if (Number.isNaN(bound)) throw new Error(`${name} has a bucket without le`);
    if (before !== undefined && (bound <= before.le || value < before.value))
      throw new Error(`the buckets of ${key} do not rise`);
    last.set(key, { le: bound, value });
  }
  for (const [key, { le, value }] of last) {
    if (le !== Infinity || counts.get(key) !== value) throw new Error(`${key} has no +Inf bucket that is its count`);
  }
}

function seriesOf({ name, labels }: Pick<Sample, 'name' | 'labels'>): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b));
  return `${name}{${sorted.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`;
}

/** The value of the one series with these labels among others; undefined: there is none. Throws when there are several. */
export function valueIn(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = samplesIn(families, name, labels);
  if (found.length > 1) throw new Error(`${found.length} series of ${name} have ${JSON.stringify(labels)}`);
  return found[0]?.value;
}

/** The sum over all series with these labels; 0: there is none. */
export function sumIn(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samplesIn(families, name, labels).reduce((sum, { value }) => sum + value, 0);
}

function samplesIn(families: ReadonlyMap<string, Family>, name: string, labels: Readonly<Record<string, string>>): Sample[] {
  const samples = [...families.values()].flatMap((family) => family.samples);
  const wanted = Object.entries(labels);
  return samples.filter((sample) => sample.name === name && wanted.every(([label, value]) => sample.labels[label] === value));
}

/** Scrapes an endpoint. Rejects when it does not answer 200 with what can be read. */
export async function scrape(url: string, headers: Record<string, string> = {}): Promise<Map<string, Family>> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answers ${response.status}: ${text.slice(0, 500)}`);
  return parseExposition(text);
}
