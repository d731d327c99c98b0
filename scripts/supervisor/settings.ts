import { resolve } from 'node:path';
import { TELEMETRY_VARIABLES, telemetrySettings, TelemetrySettingError } from '../../shared/telemetry/settings.ts';
import { LIMIT_VARIABLES, limitsFrom } from '../../shared/core/limits.ts';

/** A setting that cannot be used. Its message is one line that says what to do. */
export class SettingsError extends Error {}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Ports {
  edge: number;
  nats: number;
  natsWebSocket: number;
  natsMonitor: number;
  metrics: number;
}

/** The variable that sets each port, and its default (contract §9). */
export const PORT_VARIABLES: Record<keyof Ports, readonly [variable: string, fallback: number]> = {
  edge: ['PORT', 8787],
  nats: ['NATS_PORT', 4222],
  natsWebSocket: ['NATS_WS_PORT', 8223],
  natsMonitor: ['NATS_MONITOR_PORT', 8222],
  metrics: ['METRICS_PORT', 9464],
};

export interface Settings {
  ports: Ports;
  dataDir: string;
  publicUrl: string;
  /** addresses of a NATS that runs elsewhere; absent: one is started */
  externalNats?: { url: string; webSocketUrl: string };
  /** given secrets; the others are made and kept in the data directory */
  jwtSecret?: string;
  internalSecret?: string;
  /** variables passed on as they came, to the edge and to the consumers */
  edgeVariables: Record<string, string>;
  consumerVariables: Record<string, string>;
}

const SECRET_BYTES_MIN = 32;
const UPLINKS_MAX = 64;

const EDGE_VARIABLES = [
  'JWT_SECRET_OLD',
  'INTERNAL_SECRET_OLD',
  'ALLOWED_ORIGINS',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
  'JWT_JWKS_URL',
  'UPLINKS',
  'NATS_CREDS',
  'NODE_EXTRA_CA_CERTS',
  'TENANT_PLACEMENT',
  'EDGE_METRICS',
  'OIDC_ISSUER',
  'OIDC_CLIENT_ID',
  'OIDC_SCOPE',
  'OIDC_AUDIENCE',
  ...Object.values(LIMIT_VARIABLES),
  ...TELEMETRY_VARIABLES,
];

/** whole numbers of at least 1 */
const STREAM_VARIABLES = [
  'EVENTS_MAX_BYTES',
  'DEAD_LETTERS_MAX_BYTES',
  'COMMANDS_MAX_BYTES',
  'EVENTS_REPLICAS',
  'EVENTS_DUPLICATE_WINDOW_MS',
  'UPKEEP_EVERY_MS',
];

const CONSUMER_VARIABLES = [
  'METRICS_HOST',
  'NATS_CREDS',
  'NATS_INBOX_PREFIX',
  'BACKEND_REPLIES',
  'NODE_EXTRA_CA_CERTS',
  'CASSANDRA_CONTACT_POINTS',
  'CASSANDRA_LOCAL_DC',
  'CASSANDRA_KEYSPACE',
  'CASSANDRA_USERNAME',
  'CASSANDRA_PASSWORD',
  'CASSANDRA_TLS_CA',
  'CASSANDRA_CONSISTENCY',
  'CASSANDRA_REPLICATION',
  'SEARCH_URL',
  'SEARCH_INDEX',
  'ANALYTICS_URL',
  'CHDB_MODULE',
  ...STREAM_VARIABLES,
  ...TELEMETRY_VARIABLES,
];

/** Empty counts as unset everywhere: `PORT= npm start` means the default. */
function given(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === undefined || value === '' ? undefined : value;
}

function portsFrom(environment: Environment): Ports {
  const ports: Partial<Ports> = {};
  const owners = new Map<number, string>();
  for (const [key, [variable, fallback]] of Object.entries(PORT_VARIABLES) as [keyof Ports, readonly [string, number]][]) {
    const port = Number(given(environment, variable) ?? fallback);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new SettingsError(`${variable} must be a port from 1 to 65535`);
    const other = owners.get(port);
    if (other !== undefined) throw new SettingsError(`${variable} and ${other} are both ${port}: give them different ports`);
    owners.set(port, variable);
    ports[key] = port;
  }
  return ports as Ports;
}

function secretFrom(environment: Environment, name: string): string | undefined {
  const secret = given(environment, name);
  if (secret !== undefined && Buffer.byteLength(secret) < SECRET_BYTES_MIN) {
    throw new SettingsError(`${name} must have at least ${SECRET_BYTES_MIN} bytes; leave it unset and one is made`);
  }
  return secret;
}

function checkUrl(environment: Environment, name: string, protocols: readonly string[]): string | undefined {
  const value = given(environment, name);
  if (value === undefined) return undefined;
  for (const one of value.split(',')) {
    if (!URL.canParse(one) || !protocols.includes(new URL(one).protocol)) {
      throw new SettingsError(
        `${name} must be an address starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
      );
    }
  }
  return value;
}

function checkTelemetry(environment: Environment): void {
  try {
    telemetrySettings(environment, '');
  } catch (error) {
    throw error instanceof TelemetrySettingError ? new SettingsError(error.message) : error;
  }
}

function checkOrigins(environment: Environment): void {
  for (const origin of given(environment, 'ALLOWED_ORIGINS')?.split(',') ?? []) {
    const exact = origin.trim();
    if (!URL.canParse(exact) || new URL(exact).origin !== exact) {
      throw new SettingsError(
        `ALLOWED_ORIGINS must be exact origins like https://app.example.com, comma-separated; "${exact}" is none`,
      );
    }
  }
}

function checkUplinks(environment: Environment): void {
  const uplinks = Number(given(environment, 'UPLINKS') ?? 1);
  if (!Number.isInteger(uplinks) || uplinks < 1 || uplinks > UPLINKS_MAX) {
    throw new SettingsError(`UPLINKS must be a whole number from 1 to ${UPLINKS_MAX}`);
  }
}

function checkWholeNumbers(environment: Environment, names: readonly string[]): void {
  for (const name of names) {
    const value = Number(given(environment, name) ?? 1);
    if (!Number.isSafeInteger(value) || value < 1) throw new SettingsError(`${name} must be a whole number of at least 1`);
  }
}

function externalNatsFrom(environment: Environment): Settings['externalNats'] {
  const url = checkUrl(environment, 'NATS_URL', ['nats:', 'tls:']);
  const webSocketUrl = checkUrl(environment, 'NATS_WS_URL', ['ws:', 'wss:']);
  if (url === undefined && webSocketUrl === undefined) return undefined;
  if (url === undefined || webSocketUrl === undefined) {
    throw new SettingsError(
      'give NATS_URL and NATS_WS_URL together to use a NATS that runs elsewhere, or neither to have one started',
    );
  }
  return { url, webSocketUrl };
}

function passOn(environment: Environment, names: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of names) {
    const value = given(environment, name);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** Settings of a local run from its environment (contract §9 and §6). Throws SettingsError on the first one that cannot be used. */
export function readSettings(environment: Environment, root: string): Settings {
  const ports = portsFrom(environment);
  try {
    limitsFrom(environment);
  } catch (error) {
    throw error instanceof RangeError ? new SettingsError(error.message) : error;
  }
  checkTelemetry(environment);
  checkOrigins(environment);
  checkUplinks(environment);
  checkWholeNumbers(environment, STREAM_VARIABLES);
  checkUrl(environment, 'JWT_JWKS_URL', ['https:', 'http:']);
  checkUrl(environment, 'OIDC_ISSUER', ['https:', 'http:']);
  const externalNats = externalNatsFrom(environment);
  const jwtSecret = secretFrom(environment, 'JWT_SECRET');
  const internalSecret = secretFrom(environment, 'INTERNAL_SECRET');
  return {
    ports,
    dataDir: resolve(root, given(environment, 'DATA_DIR') ?? '.millrace'),
    publicUrl: checkUrl(environment, 'PUBLIC_URL', ['http:', 'https:']) ?? `http://localhost:${ports.edge}`,
    ...(externalNats ? { externalNats } : {}),
    ...(jwtSecret === undefined ? {} : { jwtSecret }),
    ...(internalSecret === undefined ? {} : { internalSecret }),
    edgeVariables: passOn(environment, EDGE_VARIABLES),
    consumerVariables: passOn(environment, CONSUMER_VARIABLES),
  };
}
