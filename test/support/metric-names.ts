/** Suffixes that a histogram's series have beside its name. */
const SERIES = /_(?:bucket|sum|count)$/;

/** Names of Millrace's metrics in an expression, without what a histogram adds. */
export function metricNames(expression: string): string[] {
  return [...expression.matchAll(/\bmillrace_[a-z0-9_]+/g)].map(([name]) => name.replace(SERIES, ''));
}

/** Names that docs/metrics.md lists, of consumers and edge. */
export function listedMetrics(page: string): Set<string> {
  return new Set([...page.matchAll(/^\| `(millrace_[a-z0-9_]+)` \|/gm)].map(([, name]) => name ?? ''));
}
