// A Cassandra of one node in a container: asked of the Docker engine that the `docker` on PATH speaks to.
import { CASSANDRA_IMAGE } from '../versions.mjs';
import { gist, LaunchError, onPath, progress, run, seconds } from './common.mjs';

const ENGINE_MS_MAX = 5_000;
const INSPECT_MS_MAX = 30_000;
const PULL_MS_MAX = 10 * 60_000;
const CQL_PORT = 9042;

/** True when an engine answers within five seconds: the program alone is often there without one. */
export async function dockerAnswers() {
  const docker = onPath('docker');
  if (!docker) return false;
  const { code } = await run(docker, ['version', '--format', '{{.Server.Version}}'], { timeoutMs: ENGINE_MS_MAX });
  return code === 0;
}

/** The image is here, or fetched now. Throws a LaunchError of one line when it cannot be had. */
export async function ensureCassandraImage() {
  const known = await run('docker', ['image', 'inspect', CASSANDRA_IMAGE], { timeoutMs: INSPECT_MS_MAX });
  if (known.code === 0) return;
  const startedAtMs = Date.now();
  progress(`fetching ${CASSANDRA_IMAGE} by Docker (about 150 MB)`);
  const { code, output } = await run('docker', ['pull', '--quiet', CASSANDRA_IMAGE], { timeoutMs: PULL_MS_MAX });
  if (code !== 0) throw new LaunchError(`${CASSANDRA_IMAGE} could not be fetched by Docker: ${gist(output)}`);
  progress(`${CASSANDRA_IMAGE} fetched in ${seconds(startedAtMs)}`);
}

/**
 * Arguments of `docker run`. The container goes when it ends and its data stay, in a volume of the same name; from outside it
 * can be reached on loopback alone.
 */
export function containerArguments({ name, port, heapMiB = 512 }) {
  const options = [
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.ring_delay_ms=0',
    '-Dcassandra.superuser_setup_delay_ms=0',
  ];
  const environment = [
    'CASSANDRA_CLUSTER_NAME=millrace',
    `MAX_HEAP_SIZE=${heapMiB}M`,
    'HEAP_NEWSIZE=128M',
    `JVM_EXTRA_OPTS=${options.join(' ')}`,
  ];
  return [
    'run',
    '--rm',
    `--name=${name}`,
    '--label=millrace',
    `--publish=127.0.0.1:${port}:${CQL_PORT}`,
    `--volume=${name}:/var/lib/cassandra`,
    ...environment.map((variable) => `--env=${variable}`),
    CASSANDRA_IMAGE,
  ];
}
