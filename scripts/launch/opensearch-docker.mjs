// An OpenSearch of one node in a container.
import { OPENSEARCH_IMAGE } from '../versions.mjs';

const HTTP_PORT = 9200;

/** Arguments of `docker run`, as those of Cassandra: the data stay in a volume, and only loopback leads to it. */
export function openSearchContainer({ name, port, heapMiB = 512 }) {
  const environment = [
    'discovery.type=single-node',
    'DISABLE_SECURITY_PLUGIN=true',
    'DISABLE_INSTALL_DEMO_CONFIG=true',
    'action.auto_create_index=false',
    'cluster.routing.allocation.disk.threshold_enabled=false',
    `OPENSEARCH_JAVA_OPTS=-Xms${heapMiB}m -Xmx${heapMiB}m`,
  ];
  return [
    'run',
    '--rm',
    `--name=${name}`,
    '--label=millrace',
    `--publish=127.0.0.1:${port}:${HTTP_PORT}`,
    `--volume=${name}:/usr/share/opensearch/data`,
    ...environment.map((variable) => `--env=${variable}`),
    OPENSEARCH_IMAGE,
  ];
}
