import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { fakeDocker, type FakeDocker } from '../support/fake-docker.ts';
import { launch, type Launched, pathOf, startEnvironment } from '../support/launch.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing, sharedCassandra, type SharedCassandra } from '../support/shared-cassandra.ts';
import { natsServerMissing, until } from '../support/stack.ts';

/** No engine runs here: a scripted `docker` notes its calls, and its containers lead to a real Cassandra. */

requireOrSkip('nats-server and Cassandra', natsServerMissing() ?? (await cassandraMissing()))(
  'npm start -- --with cassandra, by Docker',
  () => {
    let node: SharedCassandra;
    let docker: FakeDocker;
    let dataDir: string;
    let env: Record<string, string>;
    const running: Launched[] = [];

    beforeAll(async () => {
      node = await sharedCassandra();
    });
    beforeEach(async () => {
      docker = fakeDocker();
      const made = await startEnvironment();
      dataDir = made.dataDir;
      env = {
        ...made.env,
        CASSANDRA_KEYSPACE: 'docker',
        NATS_SERVER_BIN: findNatsServer() ?? '',
        PATH: [docker.path, process.env['PATH']].join(delimiter),
      };
    });
    afterEach(async () => {
      for (const one of running.splice(0)) await one.stop();
      docker.dispose();
      rmSync(dataDir, { recursive: true, force: true });
    });
    afterAll(async () => await node?.start());

    function start(more: Record<string, string> = {}): Launched {
      const launched = launch(['start', '--with', 'cassandra'], { ...env, ...more });
      running.push(launched);
      return launched;
    }

    function pidsOf(): { supervisor: number; cassandra: number } {
      const { supervisor, children } = JSON.parse(readFileSync(join(dataDir, 'run/supervisor.json'), 'utf8')) as {
        supervisor: { pid: number };
        children: { cassandra: { pid: number } };
      };
      return { supervisor: supervisor.pid, cassandra: children.cassandra.pid };
    }

    test('runs a container of a pinned image on loopback, uses it, and removes it at its end', async () => {
      docker.behave({ version: 'answers', image: 'fetched', cassandraPort: node.port });
      const launched = start();
      const { cassandra } = JSON.parse((await launched.line(/^ready \{/)).slice('ready '.length)) as { cassandra: string };
      await launched.line(/^millrace: Cassandra is ready$/);
      const [name = ''] = docker.containers();
      expect(name).toMatch(/^millrace-cassandra-[0-9a-f-]{36}$/);
      expect(docker.calls().slice(0, 3)).toEqual([
        'version --format {{.Server.Version}}',
        'image inspect cassandra:5.0.9',
        'pull --quiet cassandra:5.0.9',
      ]);
      const run = docker.calls().find((call) => call.startsWith('run ')) ?? '';
      expect(run).toMatch(
        new RegExp(`^run --rm --name=${name} --label=millrace --publish=${cassandra}:9042 --volume=${name}:/var/lib/cassandra `),
      );
      expect(run).toMatch(/ cassandra:5\.0\.9$/);
      expect(await launched.stop()).toBe(0);
      expect(docker.calls().slice(-2)).toEqual([`stop -t 5 ${name}`, `rm --force ${name}`]);
      expect(docker.containers()).toEqual([]);
    });

    test('a container that a killed run left is ended by the next start, which has its data', async () => {
      docker.behave({ version: 'answers', image: 'here', cassandraPort: node.port });
      const first = start();
      await first.line(/^ready \{/);
      await until('the container runs', () => docker.containers().length === 1);
      const names = docker.containers();
      const { supervisor, cassandra } = pidsOf();
      // the one that would end it when the supervisor is gone goes first
      process.kill(cassandra, 'SIGKILL');
      process.kill(supervisor, 'SIGKILL');
      await first.exit();
      expect(docker.containers()).toEqual(names);
      const second = start();
      await second.line(/^millrace: Cassandra is ready$/);
      expect(docker.containers()).toEqual(names);
      expect(docker.calls().filter((call) => call.startsWith('run '))).toHaveLength(2);
    });

    test('the container ends with a supervisor that is killed', async () => {
      docker.behave({ version: 'answers', image: 'here', cassandraPort: node.port });
      const launched = start();
      await launched.line(/^ready \{/);
      await until('the container runs', () => docker.containers().length === 1);
      process.kill(pidsOf().supervisor, 'SIGKILL');
      await until('it is gone', () => docker.containers().length === 0);
    });

    test('an engine that does not answer in five seconds is done without, and what is missing then is one line', async () => {
      docker.behave({ version: 'hangs', image: 'here' });
      const tools = mkdtempSync(join(tmpdir(), 'millrace-tools-'));
      const PATH = [docker.path, pathOf(['node', 'sh'])].join(delimiter);
      const startedAtMs = Date.now();
      const launched = start({ PATH, MILLRACE_TOOLS_DIR: tools });
      expect(await launched.exit()).toBe(1);
      rmSync(tools, { recursive: true, force: true });
      expect(launched.lines.at(-1)).toMatch(
        /^millrace: no Docker engine answers, and Cassandra 5\.0\.9 (is fetched by Maven|needs Java 17).* give CASSANDRA_CONTACT_POINTS$/,
      );
      expect(Date.now() - startedAtMs).toBeGreaterThan(5_000);
      expect(docker.calls()).toEqual(['version --format {{.Server.Version}}']);
    });

    test('an image that cannot be fetched is said, and Java tried', async () => {
      docker.behave({ version: 'answers', image: 'refused' });
      const launched = start();
      await launched.line(
        /cassandra:5\.0\.9 could not be fetched by Docker: Error response from daemon: no route to registry; trying Java and Maven$/,
      );
      const { cassandra } = JSON.parse((await launched.line(/^ready \{/)).slice('ready '.length)) as { cassandra: string };
      expect(cassandra).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(docker.calls().some((call) => call.startsWith('run '))).toBe(false);
    });

    test('data that are in Docker are not started anew without it', async () => {
      docker.behave({ version: 'answers', image: 'here', cassandraPort: node.port });
      const first = start();
      await first.line(/^ready \{/);
      await first.stop();
      docker.behave({ version: 'refuses', image: 'here' });
      const second = start();
      expect(await second.exit()).toBe(1);
      expect(second.lines.at(-1)).toMatch(
        /is in Docker, whose engine does not answer: start it, or set DATA_DIR to another directory$/,
      );
    });

    test('with an address nobody asks Docker', async () => {
      docker.behave({ version: 'answers', image: 'here' });
      const launched = start({ CASSANDRA_CONTACT_POINTS: node.contactPoint });
      await launched.line(/^millrace: Cassandra is ready$/);
      expect(docker.calls()).toEqual([]);
    });
  },
);
