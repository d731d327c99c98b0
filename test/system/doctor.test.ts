import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiscardPolicy, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { consumersEnvironment } from '../../scripts/supervisor/parts.ts';
import { accepts, freePorts } from '../../scripts/supervisor/ports.ts';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { until } from '../support/client.ts';
import { ConsumerProcess } from '../support/consumer-processes.ts';
import { DeployedNats } from '../support/deployed-nats.ts';
import { examineStack } from '../support/doctor-process.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** Misconfigurations and failures that were planted are found, and named with what to do about them. The cases build on each other. */

const WITHIN_MS = 60_000;
const OTHER_SECRET = 'another secret than the one of the edge, as long as it is';

let stack: Stack;
let consumers: ConsumerProcess;
let connection: NatsConnection;
let manager: JetStreamManager;

requireOrSkip('nats-server', natsServerMissing())('npm run doctor', () => {
  beforeAll(async () => {
    stack = await startStack({ parts: ['nats', 'edge'] });
    consumers = await ConsumerProcess.start(stack, 'consumers/main.ts');
    connection = await connect({ servers: stack.nats });
    manager = await jetstreamManager(connection);
  });
  afterAll(async () => {
    await consumers?.stop();
    await connection?.close();
    await stack?.stop();
  });

  test('finds nothing wrong in a system that is well, and exits with 0', { timeout: 120_000 }, async () => {
    let last: Record<string, string> = {};
    const isWell = async (): Promise<boolean> => {
      const { code, errors } = await examineStack(stack);
      last = errors;
      return code === 0;
    };
    await until('all is well', isWell, WITHIN_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(last)}`);
    });
    const { findings } = await examineStack(stack);
    const looked = findings.map(({ check }) => check);
    for (const check of [
      'nats',
      'nats:rights',
      'nats:websocket',
      'clock',
      'edge',
      'edge:ready',
      'INTERNAL_SECRET',
      'JWT_SECRET:edge',
      'disk',
    ])
      expect(looked).toContain(check);
  });

  describe('planted misconfigurations', () => {
    test('other secrets than those of the edge', async () => {
      const { code, errors } = await examineStack(stack, { INTERNAL_SECRET: OTHER_SECRET, JWT_SECRET: OTHER_SECRET });
      expect(code).toBe(1);
      expect(Object.keys(errors).toSorted()).toEqual(['INTERNAL_SECRET', 'JWT_SECRET:edge']);
      expect(errors['INTERNAL_SECRET']).toMatch(/another INTERNAL_SECRET.*no receipt is taken.*Set the same INTERNAL_SECRET/s);
      expect(errors['JWT_SECRET:edge']).toMatch(/answered 401.*Set the same JWT_SECRET/s);
    });

    test('origins that no browser sends, and a secret that is too short', async () => {
      const { code, errors } = await examineStack(stack, { ALLOWED_ORIGINS: 'https://*.example.com', JWT_SECRET: 'short' });
      expect(code).toBe(1);
      expect(errors['ALLOWED_ORIGINS']).toMatch(/"https:\/\/\*\.example\.com".*no wildcards/s);
      expect(errors['ALLOWED_ORIGINS:edge']).toMatch(/does not allow https:\/\/\*\.example\.com/);
      expect(errors['JWT_SECRET']).toMatch(/5 bytes/);
    });

    test('a stream that discards what is old and has no bound, put right by what is said', { timeout: 60_000 }, async () => {
      const { config } = await manager.streams.info(EVENTS_STREAM);
      await manager.streams.update(EVENTS_STREAM, { discard: DiscardPolicy.Old, max_bytes: -1 });
      const { code, findings } = await examineStack(stack);
      expect(code).toBe(1);
      const said = findings.filter(({ level }) => level === 'error');
      expect(said.map(({ check }) => check)).toEqual([`stream:${EVENTS_STREAM}`, `stream:${EVENTS_STREAM}`]);
      expect(said[0]?.says).toMatch(/events would be lost without a sign/);
      expect(said[0]?.fix).toBe(`nats stream edit ${EVENTS_STREAM} --discard=new`);
      expect(said[1]?.says).toMatch(/fills the disk/);
      expect(said[1]?.fix).toBe(`nats stream edit ${EVENTS_STREAM} --max-bytes=10240MiB`);
      await manager.streams.update(EVENTS_STREAM, { discard: config.discard, max_bytes: config.max_bytes });
      expect((await examineStack(stack)).errors).toEqual({});
    });

    test('a user of NATS who may not do what consumers do, and one whom NATS does not know', { timeout: 60_000 }, async () => {
      const nats = await DeployedNats.single([]);
      try {
        const login = { NATS_URL: nats.url, NODE_EXTRA_CA_CERTS: nats.pem.ca };
        const asEdge = await examineStack(stack, { ...login, NATS_CREDS: nats.seed('edge') });
        expect(asEdge.code).toBe(1);
        expect(asEdge.errors['nats:rights']).toMatch(/may not publish \$JS\.API.*CONSUMERS_MAY/s);
        const asNobody = await examineStack(stack, login);
        expect(asNobody.errors['nats']).toMatch(/does not take these credentials.*NATS_CREDS/s);
      } finally {
        await nats.stop();
      }
    });

    test('a user who may do nearly all', { timeout: 60_000 }, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-doctor-'));
      const [port = 0] = await freePorts(1);
      const file = join(directory, 'limited.conf');
      const users =
        'users = [{ user: limited, password: x, permissions: { publish: { deny: ["millrace.dead.>", "millrace.pulse"] } } }]';
      const jetStream = `jetstream { store_dir: "${join(directory, 'store')}" }`;
      writeFileSync(file, `listen: "127.0.0.1:${port}"\n${jetStream}\nno_auth_user: limited\nauthorization { ${users} }\n`);
      const server = spawn(findNatsServer() ?? 'nats-server', ['-c', file], { stdio: 'ignore' });
      try {
        await until('it listens', async () => await accepts(port), WITHIN_MS);
        const { code, findings } = await examineStack(stack, { NATS_URL: `nats://127.0.0.1:${port}` });
        expect(code).toBe(1);
        const refused = findings.filter(({ check, level }) => check === 'nats:rights' && level === 'error');
        expect(refused.map(({ says }) => says.split(': ')[0])).toEqual([
          'The user of NATS_CREDS may not publish millrace.dead.doctor',
          'The user of NATS_CREDS may not publish millrace.pulse',
        ]);
        // and nobody has made anything there
        expect(findings.find(({ check }) => check === `stream:${EVENTS_STREAM}`)?.says).toBe(
          `There is no stream ${EVENTS_STREAM}.`,
        );
      } finally {
        const gone = once(server, 'exit');
        server.kill('SIGKILL');
        await gone;
        rmSync(directory, { recursive: true, force: true });
      }
    });

    test('what cannot be a setting is named, and nothing else is looked at', async () => {
      const { code, findings } = await examineStack(stack, { CASSANDRA_CONTACT_POINTS: 'a:1,b:2' });
      expect([code, findings.map(({ check }) => check)]).toEqual([1, ['settings']]);
      expect(findings[0]?.says).toContain('CASSANDRA_CONTACT_POINTS must all have the same port');
    });
  });

  describe('planted failures', () => {
    test('a store that is stopped', { timeout: 60_000 }, async () => {
      const store = await searchServer();
      const { port } = store.address() as AddressInfo;
      const address = { SEARCH_URL: `http://127.0.0.1:${port}` };
      expect((await examineStack(stack, address)).errors).toEqual({});
      store.closeAllConnections();
      store.close();
      await once(store, 'close');
      const { code, errors } = await examineStack(stack, address);
      expect([code, Object.keys(errors)]).toEqual([1, ['search']]);
      expect(errors['search']).toMatch(/does not answer at http:\/\/127\.0\.0\.1:\d+.*Start it, or correct SEARCH_URL/s);
    });

    test('workers that are gone, and a durable that was deleted: made anew by one command', { timeout: 120_000 }, async () => {
      await consumers.stop();
      await manager.consumers.delete(EVENTS_STREAM, 'search');
      const { code, errors } = await examineStack(stack);
      expect(code).toBe(1);
      expect(errors['durable:search']).toMatch(/no durable consumer search.*doctor -- --repair/s);
      for (const role of ['history', 'search', 'analytics', 'notifications', 'relay', 'query', 'admin'])
        expect(errors[`worker:${role}`]).toMatch(new RegExp(`No process works as ${role}.*Start the consumers`, 's'));
      expect(errors['edge:ready']).toMatch(/not ready: .*consumers/);
      const repaired = await examineStack(stack, {}, '--repair');
      expect(repaired.errors).not.toHaveProperty('durable:search');
      expect((await manager.consumers.info(EVENTS_STREAM, 'search')).config.ack_policy).toBe('explicit');
    });

    test('an edge that is down', { timeout: 60_000 }, async () => {
      await stack.stop('edge');
      const { code, errors } = await examineStack(stack);
      expect(code).toBe(1);
      expect(errors['edge']).toMatch(/The edge does not answer at .*Start or deploy it, or correct EDGE_URL/s);
    });

    test('a NATS that is down; and people read it in words', { timeout: 60_000 }, async () => {
      await stack.stop('nats');
      const { code, errors } = await examineStack(stack);
      expect(code).toBe(1);
      expect(errors['nats']).toMatch(/NATS does not answer at .*Start nats-server, or correct NATS_URL/s);
      expect(errors['nats:websocket']).toMatch(/the edge cannot publish/);
      const program = join(import.meta.dirname, '../../consumers/doctor/main.ts');
      const env = consumersEnvironment(stack.settings, stack.secrets);
      const { status, stdout } = spawnSync(process.execPath, [program], { env, encoding: 'utf8', timeout: 60_000 });
      expect(status).toBe(1);
      expect(stdout).toMatch(/^error {4}nats: NATS does not answer at .*\n {9}→ Start nats-server/m);
      expect(stdout).toMatch(/\d+ errors, \d+ warnings, \d+ things are as they should be\n$/);
    });
  });
});

/** What of a search index the doctor looks at. */
async function searchServer(): Promise<Server> {
  const answers: Record<string, object> = {
    '/': { version: { number: '2.19.6', distribution: 'opensearch' } },
    '/_alias/millrace-messages': { 'millrace-messages-1': { aliases: { 'millrace-messages': {} } } },
    '/_index_template/millrace-messages': { index_templates: [{ name: 'millrace-messages' }] },
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    response.writeHead(answer === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer ?? { error: 'none' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
