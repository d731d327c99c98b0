import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { cassandraSettingsFrom, type CassandraSettings } from '../../consumers/stores/history/cassandra-settings.ts';
import { openCassandraHistory } from '../../consumers/stores/history/cassandra.ts';
import { type CassandraNode, ensureCassandra, startCassandra } from '../../scripts/launch/cassandra.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import { readMessages, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const missing =
  natsServerMissing() ??
  (await ensureCassandra().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  ));

requireOrSkip('nats-server and Cassandra', missing)('with the history in Cassandra', () => {
  let directory: string;
  let node: CassandraNode;
  let stack: Stack;
  let alice: User;
  let settings: CassandraSettings;
  let start: () => Promise<CassandraNode>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-cassandra-'));
    const [port = 0, storagePort = 0] = await freePorts(2);
    start = async () => await startCassandra({ directory, port, storagePort });
    node = await start();
    const env = { CASSANDRA_CONTACT_POINTS: node.contactPoint };
    const found = cassandraSettingsFrom(env);
    if (found === undefined) throw new Error('no settings');
    settings = found;
    await migrateCassandra(settings, () => {});
    stack = await startStack({ env });
    alice = new User(stack.url, await stack.token('alice'));
    await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200);
  });
  afterAll(async () => {
    await alice?.close();
    await stack?.stop();
    await node?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('commands are accepted and read while it is away, and all of them are in it after', async () => {
    const sessionId = 'outage';
    const created = await alice.create({ id: sessionId, title: 'Outage' });
    const before = await alice.send(sessionId, 'before');
    for (const { commandId } of [created, before]) await alice.persisted(sessionId, commandId);
    await node.kill();
    const during = [await alice.send(sessionId, 'during'), await alice.edit(sessionId, before.entityId, 'edited')];
    const texts = (await readMessages(alice.http, sessionId)).map(({ text }) => text);
    expect(texts.toSorted((a, b) => a.localeCompare(b))).toEqual(['during', 'edited']);
    node = await start();
    for (const { commandId } of during) await alice.persisted(sessionId, commandId);
    const store = await openCassandraHistory({ settings, writes: false });
    const session = { tenant: 'default', sessionId };
    expect((await store.heldRanges(session, [[1, 100]])).ranges).toEqual([[1, 4]]);
    expect((await store.readMessages(session, [2, 3], 1e6)).map(({ text }) => text)).toEqual(['edited', 'during']);
    await store.close();
  });
});
