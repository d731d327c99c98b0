import { migratedVariables } from '../support/migrated-cassandra.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing } from '../support/shared-cassandra.ts';
import { openSearchMissing, sharedOpenSearch } from '../support/shared-opensearch.ts';
import { natsServerMissing } from '../support/stack.ts';
import { conformance } from './suite/all.ts';
import { openTarget } from './target.ts';

const missing = natsServerMissing() ?? (await cassandraMissing()) ?? (await openSearchMissing());

requireOrSkip('nats-server, Cassandra and OpenSearch', missing)('conformance', () => {
  conformance('Cassandra', async () => {
    const search = await sharedOpenSearch();
    return openTarget({ ...(await migratedVariables('conformance')), ...search.variables('conformance') });
  });
});
