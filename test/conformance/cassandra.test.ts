import { migratedVariables } from '../support/migrated-cassandra.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing } from '../support/shared-cassandra.ts';
import { natsServerMissing } from '../support/stack.ts';
import { conformance } from './suite/all.ts';
import { openTarget } from './target.ts';

requireOrSkip('nats-server and Cassandra', natsServerMissing() ?? (await cassandraMissing()))('conformance', () => {
  conformance('Cassandra', async () => openTarget(await migratedVariables('conformance')));
});
