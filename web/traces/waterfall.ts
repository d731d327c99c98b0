import type { Span } from '../../client/index.ts';

/** One span where it stands: how deep, from when to when, in parts of the whole. */
export interface Bar {
  span: Span;
  depth: number;
  /** 0 ≤ left ≤ 1 */
  left: number;
  /** 0 ≤ left + width ≤ 1 */
  width: number;
  durationMs: number;
  isRunning: boolean;
}

/** deeper ones stand at the same place as these: there is no room for more */
const DEPTH_MAX = 12;
/** a bar that is over at once can still be seen and pointed at */
const WIDTH_MIN = 0.004;

/** Spans as a tree in the order of their start, each under the one it was started by; `nowMs` is where running ones end. */
export function barsOf(spans: readonly Span[], nowMs: number): Bar[] {
  const times = new Map(spans.map((span) => [span.spanId, timesOf(span, nowMs)]));
  const all = [...times.values()];
  const fromMs = all.reduce((least, { startMs }) => Math.min(least, startMs), Infinity);
  const toMs = all.reduce((most, { endMs }) => Math.max(most, endMs), -Infinity);
  const wholeMs = Math.max(1, toMs - fromMs);
  const bars: Bar[] = [];
  for (const { span, depth } of inOrder(spans)) {
    const { startMs, endMs } = times.get(span.spanId) ?? timesOf(span, nowMs);
    const left = Math.min(1 - WIDTH_MIN, (startMs - fromMs) / wholeMs);
    const width = Math.min(1 - left, Math.max(WIDTH_MIN, (endMs - startMs) / wholeMs));
    bars.push({
      span,
      depth: Math.min(depth, DEPTH_MAX),
      left,
      width,
      durationMs: endMs - startMs,
      isRunning: span.endedAt === undefined,
    });
  }
  return bars;
}

function timesOf({ startedAt, endedAt }: Span, nowMs: number): { startMs: number; endMs: number } {
  const startMs = Date.parse(startedAt);
  const endMs = endedAt === undefined ? nowMs : Date.parse(endedAt);
  return { startMs, endMs: Math.max(startMs, endMs) };
}

/** Depth first, without recursion: whoever sends spans decides how deep they go, and may send circles. */
function inOrder(spans: readonly Span[]): { span: Span; depth: number }[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = new Map<string | undefined, Span[]>();
  for (const span of [...spans].sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : 0))) {
    const { parentSpanId: parent } = span;
    const under = parent !== undefined && parent !== span.spanId && known.has(parent) ? parent : undefined;
    const siblings = children.get(under);
    if (siblings === undefined) children.set(under, [span]);
    else siblings.push(span);
  }
  const found: { span: Span; depth: number }[] = [];
  const seen = new Set<string>();
  const open = (children.get(undefined) ?? []).map((span) => ({ span, depth: 0 })).toReversed();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next.span.spanId)) continue;
    seen.add(next.span.spanId);
    found.push(next);
    const { depth } = next;
    for (const span of (children.get(next.span.spanId) ?? []).toReversed()) open.push({ span, depth: depth + 1 });
  }
  // those of a circle hang under nobody
  for (const span of spans) if (!seen.has(span.spanId)) found.push({ span, depth: 0 });
  return found;
}

export interface SpanFilter {
  text: string;
  kind: string;
  status: string;
}

export const ALL: SpanFilter = { text: '', kind: '', status: '' };

/** Whether a span is what somebody looks for: its name, input or output hold the text. */
export function fits(span: Span, { text, kind, status }: SpanFilter): boolean {
  if (kind !== '' && span.kind !== kind) return false;
  if (status !== '' && statusOf(span) !== status) return false;
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return true;
  return [span.name, shownOf(span.input), shownOf(span.output)].some((each) => each.toLowerCase().includes(wanted));
}

/** What a span says of its end, or that it has none yet. */
export function statusOf({ status, endedAt }: Span): string {
  return status ?? (endedAt === undefined ? 'running' : 'completed');
}

/** Something of any shape, for people. */
export function shownOf(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '');
}

export function durationOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
