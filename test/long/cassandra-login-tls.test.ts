import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import cassandra from 'cassandra-driver';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { cassandraSettingsFrom, type CassandraSettings } from '../../consumers/stores/history/cassandra-settings.ts';
import { openCassandraHistory } from '../../consumers/stores/history/cassandra.ts';
import { StoreUnavailable } from '../../consumers/stores/store-unavailable.ts';
import { type CassandraNode, ensureCassandra, startCassandra } from '../../scripts/launch/cassandra.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import { makeKeys, type Keys } from '../support/certificates.ts';
import { until, User } from '../support/client.ts';
import { generateMeetings } from '../support/meetings.ts';
import { replay } from '../support/replay-process.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing } from '../support/shared-cassandra.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { writeFileSync } from 'node:fs';

const HOST = '127.0.0.1';
const SEED = 20260110;
/** a node makes its first user after it begins to answer */
const FIRST_USER_MS_MAX = 60_000;

requireOrSkip('nats-server and Cassandra', natsServerMissing() ?? (await cassandraMissing()))(
  'a Cassandra that wants a login and TLS',
  () => {
    let directory: string;
    let keys: Keys;
    let node: CassandraNode;
    let port: number;
    let root: Record<string, string>;
    let consumers: Record<string, string>;
    let stack: Stack | undefined;

    const settingsOf = (env: Record<string, string>): CassandraSettings => {
      const found = cassandraSettingsFrom(env);
      if (found === undefined) throw new Error('no settings');
      return found;
    };

    /** What a database administrator does once: a user that may read and write Millrace's rows, and change nothing else. */
    async function makeUser(): Promise<void> {
      const client = new cassandra.Client({
        contactPoints: [`${HOST}:${port}`],
        localDataCenter: 'datacenter1',
        protocolOptions: { port },
        credentials: { username: 'cassandra', password: 'cassandra' },
        sslOptions: { ca: [keys.ca], rejectUnauthorized: true },
      });
      for (const cql of [
        "CREATE ROLE millrace WITH PASSWORD = 'its password' AND LOGIN = true",
        'GRANT SELECT ON KEYSPACE millrace TO millrace',
        'GRANT MODIFY ON KEYSPACE millrace TO millrace',
      ]) {
        await client.execute(cql);
      }
      await client.shutdown();
    }

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'millrace-cassandra-'));
      const { java } = await ensureCassandra();
      keys = await makeKeys(java, directory, 'ours', HOST);
      const [first = 0, storagePort = 0] = await freePorts(2);
      port = first;
      const { keystore, password } = keys;
      node = await startCassandra({ directory, port, storagePort, login: true, tls: { keystore, password } });
      const tls = { CASSANDRA_CONTACT_POINTS: node.contactPoint, CASSANDRA_TLS_CA: keys.caFile };
      root = { ...tls, CASSANDRA_USERNAME: 'cassandra', CASSANDRA_PASSWORD: 'cassandra' };
      consumers = { ...tls, CASSANDRA_USERNAME: 'millrace', CASSANDRA_PASSWORD: 'its password' };
      await until(
        'the first user is there, and the schema is made',
        async () =>
          await migrateCassandra(settingsOf(root), () => {}).then(
            () => true,
            (error: unknown) => {
              if (error instanceof StoreUnavailable) return false;
              throw error;
            },
          ),
        FIRST_USER_MS_MAX,
      );
      await makeUser();
    });
    afterAll(async () => {
      await stack?.stop();
      await node?.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    test('is written and read by a user that may do no more than that', async () => {
      stack = await startStack({ env: consumers });
      const alice = new User(stack.url, await stack.token('alice'));
      await alice.create({ id: 'secured', title: 'Secured' });
      const sent = await alice.send('secured', 'over TLS');
      await alice.persisted('secured', sent.commandId);
      const file = join(directory, 'meeting.jsonl');
      writeFileSync(file, JSON.stringify(generateMeetings(SEED).at(-1)));
      const { code, stdout, stderr } = await replay(['--url', stack.url, '--verify-cassandra', file], stack.dataDir, consumers)
        .ended;
      expect(code, `${stdout}${stderr}`).toBe(0);
      expect(stdout).toContain('0 missing, 0 extra, 0 different');
      await expect(migrateCassandra(settingsOf({ ...consumers, CASSANDRA_KEYSPACE: 'other' }), () => {})).rejects.toThrow(
        /CREATE/,
      );
    });

    test('is not used without what it wants, or by what it is not, and each time one line says so', async () => {
      const others = await makeKeys((await ensureCassandra()).java, directory, 'theirs', HOST);
      const refusal = async (env: Record<string, string>): Promise<unknown> => {
        return await openCassandraHistory({ settings: settingsOf({ ...consumers, ...env }), writes: true }).then(
          async (store) => await store.close(),
          (error: unknown) => error,
        );
      };
      for (const [env, line] of [
        [{ CASSANDRA_PASSWORD: 'another' }, /incorrect/],
        [{ CASSANDRA_USERNAME: '', CASSANDRA_PASSWORD: '' }, /[Aa]uthentica|credentials/],
        [{ CASSANDRA_TLS_CA: others.caFile }, /certificate|verify|signature/],
        [{ CASSANDRA_TLS_CA: '' }, /no node can be reached/],
      ] as const) {
        const error = await refusal(env);
        expect(error, JSON.stringify(env)).toBeInstanceOf(StoreUnavailable);
        expect(String(error)).toMatch(line);
        expect(String(error)).not.toContain('\n');
      }
      // as the settings take it too: the certificate itself instead of its file
      expect(await refusal({ CASSANDRA_TLS_CA: keys.ca })).toBeUndefined();
    });
  },
);
