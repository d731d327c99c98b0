import cassandra from 'cassandra-driver';
import { StoreUnavailable } from '../store-unavailable.ts';
import type { CassandraSettings } from './cassandra-settings.ts';

/** How this program talks to Cassandra: every statement prepared, idempotent and at one consistency, unless it says otherwise. */

const CONNECT_MS_MAX = 5_000;
/** longer than the server's own write and read deadlines, so that it is the server who says that it was late */
const ANSWER_MS_MAX = 12_000;
const RECONNECT_MS_MIN = 250;
const RECONNECT_MS_MAX = 5_000;

const { responseErrorCodes } = cassandra.types;

/** What a server says of itself, its copies or our login, and not of a statement (native protocol v4, section 9). */
const STORE_FAULTS: ReadonlySet<number> = new Set([
  responseErrorCodes.badCredentials,
  responseErrorCodes.unavailableException,
  responseErrorCodes.overloaded,
  responseErrorCodes.isBootstrapping,
  responseErrorCodes.writeTimeout,
  responseErrorCodes.readTimeout,
  responseErrorCodes.readFailure,
  responseErrorCodes.unauthorized,
]);

/**
 * Not connected yet, and without a keyspace: statements name theirs, so that a missing one is a missing schema and nothing else.
 * `anywhere`: it asks nodes of every data centre, to find out which there are.
 */
export function cassandraClient(settings: CassandraSettings, anywhere?: 'anywhere'): cassandra.Client {
  const { contactPoints, port, localDataCenter, username, password, tlsCa, consistency } = settings;
  return new cassandra.Client({
    contactPoints,
    ...(anywhere === undefined ? { localDataCenter } : {}),
    // without it the driver looks for the other nodes at 9042
    protocolOptions: { port },
    // the default policy is token-aware: a statement goes to a node that has the partition
    queryOptions: { prepare: true, isIdempotent: true, consistency: levelOf(consistency) },
    socketOptions: { connectTimeout: CONNECT_MS_MAX, readTimeout: ANSWER_MS_MAX },
    policies: {
      // the driver's own goes up to ten minutes
      reconnection: new cassandra.policies.reconnection.ExponentialReconnectionPolicy(RECONNECT_MS_MIN, RECONNECT_MS_MAX, false),
      ...(anywhere === undefined ? {} : { loadBalancing: new cassandra.policies.loadBalancing.RoundRobinPolicy() }),
    },
    // clocks are microseconds, near the end of what a number holds exactly; undefined is unset and never a tombstone
    encoding: { useBigIntAsLong: true, useUndefinedAsUnset: true },
    ...(username === undefined || password === undefined ? {} : { credentials: { username, password } }),
    // the driver's own default trusts everyone
    ...(tlsCa === undefined ? {} : { sslOptions: { ca: [tlsCa], rejectUnauthorized: true } }),
  });
}

function levelOf(consistency: CassandraSettings['consistency']): number {
  const { quorum, localQuorum, all } = cassandra.types.consistencies;
  return { QUORUM: quorum, LOCAL_QUORUM: localQuorum, ALL: all }[consistency];
}

/** A StoreUnavailable for an error that is the store's own; any other error as it is. */
export function asStoreFault(error: unknown): unknown {
  const { NoHostAvailableError, OperationTimedOutError, BusyConnectionError, ResponseError } = cassandra.errors;
  const isFault =
    error instanceof NoHostAvailableError ||
    error instanceof OperationTimedOutError ||
    error instanceof BusyConnectionError ||
    (error instanceof ResponseError && STORE_FAULTS.has(error.code));
  return isFault ? new StoreUnavailable(`Cassandra: ${gistOf(error)}`, { cause: error }) : error;
}

/** One line: the driver puts whole stacks of what each node said into its own message. */
function gistOf(error: Error): string {
  if (!(error instanceof cassandra.errors.NoHostAvailableError)) return error.message;
  const inner = Object.values<unknown>(Object(error.innerErrors) as Record<string, unknown>)[0];
  return `no node can be reached${inner instanceof Error ? ` (${inner.message})` : ''}`;
}

/** Connects, or shuts the client down and throws. */
export async function connected(client: cassandra.Client): Promise<cassandra.Client> {
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.shutdown();
    throw asStoreFault(error);
  }
}
