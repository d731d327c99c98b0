// A node of a real OpenSearch for tests and local runs: Java found, the server fetched by Maven, started and stopped.
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MAVEN_DEPENDENCY_PLUGIN, OPENSEARCH_JAVA_MAJOR, OPENSEARCH_VERSION } from '../versions.mjs';
import { gist, LaunchError, onPath, progress, run, seconds, toolsDir, withLock } from './common.mjs';
import { findJava } from './java.mjs';
import { startServer } from './server-process.mjs';

const FETCH_MS_MAX = 10 * 60_000;
const PROBE_MS_MAX = 2_000;
/** the server refuses to run as root */
const NOBODY = 65_534;

const NAME = `opensearch-${OPENSEARCH_VERSION}`;
const ANALYSIS_DESCRIPTOR = `name=analysis-common
description=analyzers
version=${OPENSEARCH_VERSION}
opensearch.version=${OPENSEARCH_VERSION}
java.version=11
classname=org.opensearch.analysis.common.CommonAnalysisPlugin
extended.plugins=
has.native.controller=false
`;

const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %-5p %d{HH:mm:ss.SSS} %c{1.} - %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`;

async function mvn(work, goal, args) {
  const command = ['-q', '-B', `${MAVEN_DEPENDENCY_PLUGIN}:${goal}`, ...args];
  const { code, output } = await run('mvn', command, { cwd: work, timeoutMs: FETCH_MS_MAX });
  if (code !== 0) throw new LaunchError(`OpenSearch ${OPENSEARCH_VERSION} could not be fetched by Maven: ${gist(output)}`);
}

async function fetchServer(target) {
  if (!onPath('mvn')) {
    throw new LaunchError(
      `OpenSearch ${OPENSEARCH_VERSION} is fetched by Maven, which is not on PATH: install Maven, or give SEARCH_URL`,
    );
  }
  const startedAtMs = Date.now();
  const work = mkdtempSync(`${target}.`);
  try {
    progress(`fetching OpenSearch ${OPENSEARCH_VERSION} by Maven (56 MB, about half a minute)`);
    const server = `org.opensearch.distribution.integ-test-zip:opensearch:${OPENSEARCH_VERSION}:zip`;
    await mvn(work, 'unpack', [`-Dartifact=${server}`, `-DoutputDirectory=${work}`]);
    const module = join(work, NAME, 'modules/analysis-common');
    mkdirSync(module);
    const analyzers = `org.opensearch.plugin:analysis-common:${OPENSEARCH_VERSION}:jar`;
    await mvn(work, 'copy', [`-Dartifact=${analyzers}`, `-DoutputDirectory=${module}`]);
    writeFileSync(join(module, 'plugin-descriptor.properties'), ANALYSIS_DESCRIPTOR);
    letOthersRead(join(work, NAME));
    renameSync(join(work, NAME), target);
    progress(`OpenSearch ${OPENSEARCH_VERSION} fetched in ${seconds(startedAtMs)}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function letOthersRead(path) {
  const { mode } = statSync(path);
  const isFolder = statSync(path).isDirectory();
  chmodSync(path, mode | (isFolder ? 0o555 : 0o444));
  if (isFolder) for (const name of readdirSync(path)) letOthersRead(join(path, name));
}

function isRoot() {
  return process.getuid?.() === 0;
}

/** May somebody else come as far as into this folder? */
function othersReach(path) {
  if ((statSync(path).mode & 0o001) === 0) return false;
  return dirname(path) === path || othersReach(dirname(path));
}

/** The server where nobody can read it: the tools of root often are where nobody else comes. */
async function readable(home) {
  if (!isRoot() || othersReach(home)) return home;
  const copy = join(tmpdir(), `millrace-${NAME}`);
  await withLock(`${copy}.lock`, async () => {
    if (existsSync(copy) && lstatSync(copy).uid === 0) return;
    rmSync(copy, { recursive: true, force: true });
    const work = mkdtempSync(`${copy}.`);
    cpSync(home, work, { recursive: true });
    chmodSync(work, 0o755);
    renameSync(work, copy);
  });
  return copy;
}

/** Java and server, fetched into the tools cache when they are not there. Throws a LaunchError of one line when they cannot be had. */
export async function ensureOpenSearch() {
  const java = await findJava(OPENSEARCH_JAVA_MAJOR);
  if (!java) {
    throw new LaunchError(
      `OpenSearch ${OPENSEARCH_VERSION} needs Java ${OPENSEARCH_JAVA_MAJOR}, which is not here: install it, or give SEARCH_URL`,
    );
  }
  if (isRoot() && !onPath('setpriv')) {
    throw new LaunchError('OpenSearch does not run as root, and setpriv is not on PATH: install util-linux, or give SEARCH_URL');
  }
  const target = join(toolsDir(), NAME);
  mkdirSync(toolsDir(), { recursive: true });
  if (!existsSync(target)) await withLock(`${target}.lock`, async () => existsSync(target) || fetchServer(target));
  return { java, home: await readable(target) };
}

/** Where a node's data can be: `directory`, or, where root runs this and nobody else comes there, a folder of this name beside them all. */
export function openSearchDirectory(directory, name) {
  mkdirSync(directory, { recursive: true });
  return !isRoot() || othersReach(dirname(directory)) ? directory : join(tmpdir(), name);
}

/** True when a node answers there and takes requests. */
export async function answersSearch(url) {
  try {
    const response = await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`, {
      signal: AbortSignal.timeout(PROBE_MS_MAX),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function settingsOf({ directory, port, transportPort }) {
  const path = (name) => JSON.stringify(join(directory, name));
  return `cluster.name: millrace
node.name: millrace
path.data: ${path('data')}
path.logs: ${path('logs')}
network.host: 127.0.0.1
http.port: ${port}
transport.port: ${transportPort}
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
# an index that was deleted must not come back by itself, without its template
action.auto_create_index: false
`;
}

function javaOptions({ home, directory, heapMiB }) {
  return [
    '-Xms128m',
    `-Xmx${heapMiB}m`,
    '-XX:MaxDirectMemorySize=128m',
    '-XX:+UseSerialGC',
    // what runs for minutes starts sooner with the quick compiler alone
    '-XX:TieredStopAtLevel=1',
    '-XX:-UsePerfData',
    '-XX:+ExitOnOutOfMemoryError',
    '-Xss1m',
    '-Dfile.encoding=UTF-8',
    `-Djava.io.tmpdir=${join(directory, 'tmp')}`,
    '-Dio.netty.noUnsafe=true',
    '-Dio.netty.noKeySetOptimization=true',
    '-Dio.netty.recycler.maxCapacityPerThread=0',
    '-Dio.netty.allocator.numDirectArenas=0',
    '-Dlog4j.shutdownHookEnabled=false',
    '-Dlog4j2.disable.jmx=true',
    '-Djava.locale.providers=SPI,COMPAT',
    '--add-opens=java.base/java.io=ALL-UNNAMED',
    '-Djava.security.manager=allow',
    `-Dopensearch.path.home=${home}`,
    `-Dopensearch.path.conf=${join(directory, 'config')}`,
    '-Dopensearch.distribution.type=zip',
    '-Dopensearch.bundled_jdk=false',
  ];
}

/** Its data are nobody's own, and all that was there before. */
function giveToNobody(path) {
  chownSync(path, NOBODY, NOBODY);
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) giveToNobody(join(path, name));
}

/** The command that runs a node in the foreground with its data in `directory`; the files that it reads are written. */
export function openSearchCommand({ java, home }, { heapMiB = 512, ...rest }) {
  const { directory } = rest;
  for (const name of ['config', 'data', 'logs', 'tmp']) mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, 'config/opensearch.yml'), settingsOf(rest));
  writeFileSync(join(directory, 'config/log4j2.properties'), LOGGING);
  const args = [...javaOptions({ home, directory, heapMiB }), '-cp', join(home, 'lib/*'), 'org.opensearch.bootstrap.OpenSearch'];
  if (!isRoot()) return { command: java, args };
  giveToNobody(directory);
  const asNobody = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--', java];
  return { command: 'setpriv', args: [...asNobody, ...args] };
}

/**
 * Starts a node with its data in `directory` and resolves once it answers. The data stays when it is stopped. Throws a
 * LaunchError of one line when it does not come up; the whole log is `opensearch.log` in the directory.
 */
export async function startOpenSearch(options) {
  const { directory, port } = options;
  const { command, args } = openSearchCommand(await ensureOpenSearch(), options);
  const url = `http://127.0.0.1:${port}`;
  const node = await startServer({
    name: 'OpenSearch',
    command,
    args,
    logFile: join(directory, 'opensearch.log'),
    answers: () => answersSearch(url),
  });
  return { url, ...node };
}
