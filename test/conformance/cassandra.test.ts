import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing, sharedCassandra } from '../support/shared-cassandra.ts';
import { natsServerMissing } from '../support/stack.ts';
import { conformance } from './suite/all.ts';
import { openTarget } from './target.ts';

const KEYSPACE = 'conformance';

requireOrSkip('nats-server and Cassandra', natsServerMissing() ?? (await cassandraMissing()))('conformance', () => {
  conformance('Cassandra', async () => {
    const node = await sharedCassandra();
    await migrateCassandra(node.settings(KEYSPACE), () => {});
    return openTarget(node.variables(KEYSPACE));
  });
});
