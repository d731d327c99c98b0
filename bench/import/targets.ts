/** What is measured: a read model with one of its stores. */
export const TARGET_NAMES = [
  'history-embedded',
  'history-cassandra',
  'search-embedded',
  'search-opensearch',
  'analytics-embedded',
  'analytics-clickhouse',
] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

export function isTargetName(name: string): name is TargetName {
  return TARGET_NAMES.some((each) => each === name);
}

/** The role of the consumers, which is also the durable's name. */
export function roleOf(target: TargetName): string {
  return target.slice(0, target.indexOf('-'));
}

export const LABELS: Readonly<Record<TargetName, string>> = {
  'history-embedded': 'history, SQLite',
  'history-cassandra': 'history, Cassandra',
  'search-embedded': 'search, SQLite FTS5',
  'search-opensearch': 'search, OpenSearch',
  'analytics-embedded': 'analytics, SQLite',
  'analytics-clickhouse': 'analytics, ClickHouse engine',
};

/** What the driver is given at once: statements, documents or rows on their way to the store. */
export const IN_FLIGHT = [16, 64, 256, 1_024] as const;

/** The least that a consumer should reach of what the driver alone does. */
export const RATIO_MIN = 0.8;
