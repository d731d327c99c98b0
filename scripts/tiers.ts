/** Which suites run when: `npm test` is for whoever has just changed something, and ends within minutes. */

/** With CI=true only: they take a minute or more each, waiting for real databases, repairs and outages. */
export const CI_SUITES: readonly string[] = [
  'test/browser/long-session.test.ts',
  'test/conformance/cassandra.test.ts',
  'test/faults/edge-kill.test.ts',
  'test/faults/nats-leader.test.ts',
  'test/faults/store-stop.test.ts',
  'test/faults/storm.test.ts',
  'test/system/alerts.test.ts',
  'test/system/analytics.test.ts',
  'test/system/cassandra-docker.test.ts',
  'test/system/cassandra-down.test.ts',
  'test/system/client.test.ts',
  'test/system/compose.test.ts',
  'test/system/deployed-cassandra.test.ts',
  'test/system/end-to-end.test.ts',
  'test/system/import.test.ts',
  'test/system/large-pages.test.ts',
  'test/system/lost-stream.test.ts',
  'test/system/meetings-cassandra.test.ts',
  'test/system/messages.test.ts',
  'test/system/metrics-outage.test.ts',
  'test/system/nats-accounts.test.ts',
  'test/system/nats-deployed-cluster.test.ts',
  'test/system/opensearch-launch.test.ts',
  'test/system/operators.test.ts',
  'test/system/planted-failures.test.ts',
  'test/system/search-opensearch.test.ts',
  'test/system/search-rebuilt.test.ts',
  'test/system/simulate.test.ts',
  'test/system/tracing.test.ts',
];

/** What is left out now. MILLRACE_WITH=cassandra asks for the contract on a real store without the others. */
export function leftOut(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  if (environment['CI']) return [];
  const withCassandra = environment['MILLRACE_WITH']?.split(',').includes('cassandra') ?? false;
  return CI_SUITES.filter((file) => !(withCassandra && file.startsWith('test/conformance/')));
}
