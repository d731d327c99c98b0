import { join } from 'node:path';
import { type LocalServer, serverSpec } from './local-server.ts';
import type { PartName, PartSpec } from './part.ts';
import type { Secrets } from './secrets.ts';
import type { Settings } from './settings.ts';
import { writeNatsConfig } from './nats-config.ts';

/** What a child needs of our own environment: where things are, and nothing that sets how Millrace behaves. */
export function plainEnvironment(): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR, LANG, TZ } = process.env;
  return { PATH, HOME, TMPDIR, LANG, TZ };
}

export interface NatsAddresses {
  url: string;
  webSocketUrl: string;
}

export function natsAddresses({ externalNats, ports }: Settings): NatsAddresses {
  return externalNats ?? { url: `nats://127.0.0.1:${ports.nats}`, webSocketUrl: `ws://127.0.0.1:${ports.natsWebSocket}` };
}

/** Ways between the parts that are not the straight ones: tests put there what breaks connections. */
export interface Detours {
  /** from the consumers to NATS */
  natsUrl?: string;
  /** from the edge to NATS */
  natsWebSocketUrl?: string;
  /** from the consumers to the edge */
  edgeUrl?: string;
}

export interface PartsInput {
  root: string;
  settings: Settings;
  secrets: Secrets;
  /** absent where NATS runs elsewhere */
  natsServerBin: string | undefined;
  /** present where one is started */
  servers?: readonly LocalServer[];
  detours?: Detours;
  /** directory of another bundle of the edge than the built one */
  edgeBundle?: string;
}

function natsSpec({ root, settings, natsServerBin }: PartsInput): PartSpec {
  return {
    name: 'nats',
    command: natsServerBin ?? 'nats-server',
    args: ['-c', writeNatsConfig(settings)],
    env: plainEnvironment(),
    cwd: root,
    channel: false,
  };
}

/** What the edge is told, and whoever looks at whether it is right. */
export function edgeEnvironment(settings: Settings, secrets: Secrets, detours?: Detours): Record<string, string | undefined> {
  return {
    ...plainEnvironment(),
    ...settings.edgeVariables,
    ENVIRONMENT: 'local',
    PUBLIC_URL: settings.publicUrl,
    NATS_WS_URL: detours?.natsWebSocketUrl ?? natsAddresses(settings).webSocketUrl,
    JWT_SECRET: secrets.jwtSecret,
    INTERNAL_SECRET: secrets.internalSecret,
  };
}

function edgeSpec({ root, settings, secrets, detours, edgeBundle }: PartsInput): PartSpec {
  const place = ['--data-dir', settings.dataDir, '--port', String(settings.ports.edge)];
  const bundle = edgeBundle === undefined ? [] : ['--bundle', edgeBundle];
  return {
    name: 'edge',
    command: process.execPath,
    args: [...nodeFlags(), join(root, 'scripts/edge.ts'), ...place, ...bundle],
    env: edgeEnvironment(settings, secrets, detours),
    cwd: root,
    channel: true,
  };
}

/** What consumers, and whoever looks at what is theirs, have to know. */
export function consumersEnvironment(
  settings: Settings,
  secrets: Secrets,
  detours?: Detours,
): Record<string, string | undefined> {
  return {
    ...plainEnvironment(),
    ...settings.consumerVariables,
    NATS_URL: detours?.natsUrl ?? natsAddresses(settings).url,
    EDGE_URL: detours?.edgeUrl ?? `http://127.0.0.1:${settings.ports.edge}`,
    INTERNAL_SECRET: secrets.internalSecret,
    DATA_DIR: settings.dataDir,
  };
}

function consumersSpec({ root, settings, secrets, detours }: PartsInput): PartSpec {
  return {
    name: 'consumers',
    command: process.execPath,
    args: [...nodeFlags(), join(root, 'consumers/main.ts')],
    env: { ...consumersEnvironment(settings, secrets, detours), METRICS_PORT: String(settings.ports.metrics) },
    cwd: root,
    channel: true,
  };
}

/** TypeScript and node:sqlite are still announced as experimental by the oldest Node that we run on. */
function nodeFlags(): string[] {
  return Number.parseInt(process.versions.node, 10) < 24 ? ['--disable-warning=ExperimentalWarning'] : [];
}

/** How each part is started. The order is the order of starting. */
export function partSpecs(input: PartsInput): Map<PartName, PartSpec> {
  const specs = new Map<PartName, PartSpec>();
  for (const server of input.servers ?? []) specs.set(server.kind.part, serverSpec(server, input.root, plainEnvironment()));
  if (!input.settings.externalNats) specs.set('nats', natsSpec(input));
  specs.set('edge', edgeSpec(input));
  specs.set('consumers', consumersSpec(input));
  return specs;
}
