// A Cassandra of one node in a container.
import { CASSANDRA_IMAGE } from '../versions.mjs';

const CQL_PORT = 9042;

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
