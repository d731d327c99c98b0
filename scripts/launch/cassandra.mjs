// Nodes of a real Cassandra for tests and local runs: Java 17 found, the server's jars fetched by Maven, nodes started and stopped.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectByTls } from 'node:tls';
import { CASSANDRA_JAVA_MAJOR, CASSANDRA_VERSION, MAVEN_DEPENDENCY_PLUGIN } from '../versions.mjs';
import { nodeConfiguration, nodeLogging, nodeOptions } from './cassandra-config.mjs';
import { gist, LaunchError, onPath, progress, run, seconds, toolsDir, withLock } from './common.mjs';
import { findJava } from './java.mjs';
import { startServer } from './server-process.mjs';

const FETCH_MS_MAX = 10 * 60_000;
const PROBE_MS_MAX = 2_000;

const POM = `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId>
  <artifactId>cassandra</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.cassandra</groupId>
      <artifactId>cassandra-all</artifactId>
      <version>${CASSANDRA_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

function cached() {
  return join(toolsDir(), `cassandra-${CASSANDRA_VERSION}`);
}

async function fetchJars(target) {
  if (!onPath('mvn')) {
    throw new LaunchError(
      `Cassandra ${CASSANDRA_VERSION} is fetched by Maven, which is not on PATH: install Maven, or give CASSANDRA_CONTACT_POINTS`,
    );
  }
  const startedAtMs = Date.now();
  const work = mkdtempSync(`${target}.`);
  try {
    progress(`fetching Cassandra ${CASSANDRA_VERSION} by Maven (67 MB, one to two minutes)`);
    writeFileSync(join(work, 'pom.xml'), POM);
    const goal = `${MAVEN_DEPENDENCY_PLUGIN}:copy-dependencies`;
    const args = ['-q', '-B', goal, '-DincludeScope=runtime', `-DoutputDirectory=${join(work, 'lib')}`];
    const { code, output } = await run('mvn', args, { cwd: work, timeoutMs: FETCH_MS_MAX });
    if (code !== 0) throw new LaunchError(`Cassandra ${CASSANDRA_VERSION} could not be fetched by Maven: ${gist(output)}`);
    renameSync(work, target);
    progress(`Cassandra ${CASSANDRA_VERSION} fetched in ${seconds(startedAtMs)}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Java and jars, fetched into the tools cache when they are not there. Throws a LaunchError of one line when they cannot be had. */
export async function ensureCassandra() {
  const java = await findJava(CASSANDRA_JAVA_MAJOR);
  if (!java) {
    throw new LaunchError(
      `Cassandra ${CASSANDRA_VERSION} needs Java ${CASSANDRA_JAVA_MAJOR}, which is not here: install it, or give CASSANDRA_CONTACT_POINTS`,
    );
  }
  mkdirSync(toolsDir(), { recursive: true });
  if (!existsSync(cached())) {
    await withLock(`${cached()}.lock`, async () => existsSync(cached()) || fetchJars(cached()));
  }
  return { java, jars: join(cached(), 'lib') };
}

/** True when a node answers OPTIONS, the question of the native protocol that needs no login (v4 specification, 4.1.3). */
export function answersCql(host, port, { tls = false } = {}) {
  return new Promise((settle) => {
    // whether it lives is asked, and not who it is
    const socket = tls ? connectByTls({ host, port, rejectUnauthorized: false }) : connect({ host, port });
    const end = (answer) => {
      socket.destroy();
      settle(answer);
    };
    socket.setTimeout(PROBE_MS_MAX, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.on(tls ? 'secureConnect' : 'connect', () => socket.write(Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0])));
    socket.on('data', (bytes) => end(bytes[4] === 6));
  });
}

/** The command that runs a node in the foreground with its data in `directory`; the files that it reads are written. */
export function cassandraCommand({ java, jars }, { host = '127.0.0.1', heapMiB = 512, ...rest }) {
  const place = { ...rest, host, heapMiB };
  const { directory } = place;
  mkdirSync(join(directory, 'conf'), { recursive: true });
  writeFileSync(join(directory, 'conf/cassandra.yaml'), nodeConfiguration(place));
  writeFileSync(join(directory, 'conf/logback.xml'), nodeLogging());
  return { command: java, args: [...nodeOptions(place), '-cp', join(jars, '*'), 'org.apache.cassandra.service.CassandraDaemon'] };
}

/**
 * Starts a node with its data in `directory` and resolves once it answers. The data stays when it is stopped. Throws a
 * LaunchError of one line when it does not come up; the whole log is `cassandra.log` in the directory.
 */
export async function startCassandra(options) {
  const { directory, host = '127.0.0.1', port, tls } = options;
  const { command, args } = cassandraCommand(await ensureCassandra(), options);
  const node = await startServer({
    name: 'Cassandra',
    command,
    args,
    logFile: join(directory, 'cassandra.log'),
    answers: () => answersCql(host, port, { tls: tls !== undefined }),
  });
  return { contactPoint: `${host}:${port}`, ...node };
}
