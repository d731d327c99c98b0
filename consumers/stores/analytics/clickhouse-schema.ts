/**
 * The tables in ClickHouse. An event has one row per id once parts are merged, and queries say FINAL until then; its key has the
 * time of acceptance, which never changes, so that a span of time reads little. Of its rows one that says how it ended is kept: an
 * event that was erased says it no more. A DateTime64 without a zone is read in the server's.
 */
export const CLICKHOUSE_TABLES: readonly { name: string; query: string }[] = [
  {
    name: 'events',
    query: `CREATE TABLE IF NOT EXISTS events (
     tenant LowCardinality(String), event_id String, session_id String, seq UInt32, type LowCardinality(String), actor String,
     actor_kind LowCardinality(String), accepted_at DateTime64(3, 'UTC'), ended LowCardinality(String),
     status LowCardinality(String), duration_ms UInt64, says_end UInt8
   ) ENGINE = ReplacingMergeTree(says_end) PARTITION BY toYYYYMM(accepted_at) ORDER BY (tenant, accepted_at, event_id)`,
  },
  // the earliest times win, in whatever order receipts come
  {
    name: 'receipts',
    query: `CREATE TABLE IF NOT EXISTS receipts (
     tenant LowCardinality(String), session_id String, seq UInt32, published_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
     persisted_at SimpleAggregateFunction(min, DateTime64(3, 'UTC'))
   ) ENGINE = AggregatingMergeTree ORDER BY (tenant, session_id, seq)`,
  },
  {
    name: 'letters',
    query: `CREATE TABLE IF NOT EXISTS letters (
     tenant LowCardinality(String), id String, consumer LowCardinality(String), reason LowCardinality(String),
     at DateTime64(3, 'UTC')
   ) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(at) ORDER BY (tenant, at, id)`,
  },
];
