// What a local node reads: small caches, one token, loopback alone, and no waiting for neighbours that do not exist.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What Java 17's modules must open for this server (as the server's own jvm17-server.options does). */
const EXPORTS = {
  'java.base': ['java.lang.ref', 'jdk.internal.misc'],
  'java.management.rmi': ['com.sun.jmx.remote.internal.rmi'],
  'java.rmi': ['sun.rmi.registry', 'sun.rmi.server'],
  'java.sql': ['java.sql'],
  'jdk.unsupported': ['sun.misc'],
  'jdk.compiler': ['com.sun.tools.javac.file'],
  'jdk.attach': ['sun.tools.attach'],
};
const OPENS = {
  'java.base': [
    'java.io',
    'java.lang',
    'java.lang.module',
    'java.lang.reflect',
    'java.nio',
    'java.util',
    'jdk.internal.loader',
    'jdk.internal.math',
    'jdk.internal.module',
    'jdk.internal.ref',
    'jdk.internal.reflect',
    'jdk.internal.util.jar',
    'sun.nio.ch',
  ],
  'jdk.management': ['com.sun.management.internal'],
  'jdk.compiler': ['com.sun.tools.javac'],
};

function modules(option, packages) {
  return Object.entries(packages).flatMap(([module, names]) => names.map((name) => `--${option}=${module}/${name}=ALL-UNNAMED`));
}

/** Options of the Java machine. */
export function nodeOptions({ directory, heapMiB }) {
  const conf = (name) => pathToFileURL(join(directory, 'conf', name)).href;
  return [
    ...modules('add-exports', EXPORTS),
    ...modules('add-opens', OPENS),
    '-Djdk.attach.allowAttachSelf=true',
    '-Dio.netty.tryReflectionSetAccessible=true',
    '-Xms128m',
    `-Xmx${heapMiB}m`,
    '-XX:MaxDirectMemorySize=256m',
    '-XX:+UseSerialGC',
    '-Xss512k',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    // what runs for minutes starts sooner with the quick compiler alone
    '-XX:TieredStopAtLevel=1',
    `-Dcassandra.config=${conf('cassandra.yaml')}`,
    `-Dlogback.configurationFile=${conf('logback.xml')}`,
    `-Dcassandra.storagedir=${join(directory, 'data')}`,
    '-Dcassandra-foreground=yes',
    `-Djava.io.tmpdir=${directory}`,
    '-Djava.awt.headless=true',
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.ring_delay_ms=0',
    '-Dcassandra.superuser_setup_delay_ms=0',
    // else the server measures it anew at each start, which takes seconds
    '-Dcassandra.memtable.row_overhead_size=180',
    '-Dcassandra.shutdown_announce_in_ms=0',
    '-Dcassandra.available_processors=2',
  ];
}

/** What clients have to show and how they talk, where that is asked for; JSON is YAML. */
function clientRules({ login, tls }) {
  const encryption = tls && {
    enabled: true,
    optional: false,
    require_client_auth: false,
    keystore: tls.keystore,
    keystore_password: tls.password,
    store_type: 'PKCS12',
  };
  return `authenticator: ${login ? 'PasswordAuthenticator' : 'AllowAllAuthenticator'}
authorizer: ${login ? 'CassandraAuthorizer' : 'AllowAllAuthorizer'}
${encryption ? `client_encryption_options: ${JSON.stringify(encryption)}` : ''}`;
}

/** cassandra.yaml. JSON strings are YAML strings. */
export function nodeConfiguration({ directory, host, port, storagePort, seeds = [host], initialToken, ...rules }) {
  const data = (name) => JSON.stringify(join(directory, 'data', name));
  return `cluster_name: millrace
num_tokens: 1
${initialToken === undefined ? '' : `initial_token: '${initialToken}'`}
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
listen_address: ${host}
rpc_address: ${host}
storage_port: ${storagePort}
native_transport_port: ${port}
start_native_transport: true
auto_bootstrap: false
${clientRules(rules)}
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "${seeds.map((seed) => `${seed}:${storagePort}`).join(',')}"
data_file_directories: [${data('data')}]
commitlog_directory: ${data('commitlog')}
hints_directory: ${data('hints')}
saved_caches_directory: ${data('saved_caches')}
# an acknowledged write is on disk: one node has no other copy
commitlog_sync: group
commitlog_sync_group_window: 5ms
commitlog_segment_size: 16MiB
commitlog_total_space: 256MiB
memtable_heap_space: 64MiB
memtable_offheap_space: 64MiB
file_cache_size: 32MiB
networking_cache_size: 16MiB
key_cache_size: 0MiB
counter_cache_size: 0MiB
row_cache_size: 0MiB
concurrent_reads: 8
concurrent_writes: 8
concurrent_compactors: 1
cdc_enabled: false
auto_snapshot: false
materialized_views_enabled: false
disk_optimization_strategy: ssd
storage_compatibility_mode: NONE
`;
}

/** logback.xml: the log goes to standard output. */
export function nodeLogging() {
  return `<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{HH:mm:ss.SSS} [%thread] %logger{20} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="STDOUT"/></root>
</configuration>
`;
}
