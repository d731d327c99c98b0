import { beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../consumers/doctor/finding.ts';
import { checkCassandra } from '../../consumers/doctor/store-checks.ts';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { HISTORY_SCHEMA_VERSION } from '../../consumers/stores/history/tables.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing, sharedCassandra, type SharedCassandra } from '../support/shared-cassandra.ts';

/** What `npm run doctor` says of a real Cassandra. */

const KEYSPACE = 'doctor';

requireOrSkip('Cassandra', await cassandraMissing())('the doctor of Cassandra', () => {
  let node: SharedCassandra;
  beforeAll(async () => {
    node = await sharedCassandra();
  });

  const only = (findings: Finding[]): Finding => {
    expect(findings).toHaveLength(1);
    return findings[0] as Finding;
  };

  test('a keyspace that nobody made, and one that is ready', { timeout: 120_000 }, async () => {
    const found = only(await checkCassandra(node.settings('nobody_made_it')));
    expect(found).toMatchObject({ check: 'cassandra', level: 'error', says: 'Cassandra has no keyspace nobody_made_it.' });
    expect(found.fix).toContain('npm run migrate');
    await migrateCassandra(node.settings(KEYSPACE), () => undefined);
    const [ready, copies] = await checkCassandra(node.settings(KEYSPACE));
    expect(ready).toMatchObject({
      level: 'ok',
      says: expect.stringContaining(`history schema ${HISTORY_SCHEMA_VERSION}`) as string,
    });
    // one node can keep one copy
    expect(copies).toMatchObject({ check: 'cassandra:copies', level: 'warning' });
    expect(copies?.says).toContain(`The keyspace ${KEYSPACE} has 1 of 3 copies`);
  });

  test('a data center that there is not', { timeout: 60_000 }, async () => {
    const { localDataCenter } = node.settings(KEYSPACE);
    const found = only(await checkCassandra({ ...node.settings(KEYSPACE), localDataCenter: 'elsewhere' }));
    expect(found).toMatchObject({ level: 'error', fix: `Set CASSANDRA_LOCAL_DC=${localDataCenter}` });
    expect(found.says).toBe(`Cassandra has no data center elsewhere: there is ${localDataCenter}.`);
  });

  test('one that is stopped', { timeout: 300_000 }, async () => {
    await node.kill();
    try {
      const found = only(await checkCassandra(node.settings(KEYSPACE)));
      expect(found.level).toBe('error');
      expect(found.says).toContain(`Cassandra does not answer at ${node.contactPoint}`);
      expect(found.fix).toContain('CASSANDRA_CONTACT_POINTS');
    } finally {
      await node.start();
    }
  });
});
