import { readFileSync } from 'node:fs';
import { isUserSeed } from '../../shared/contract/nats-login.ts';

/** What an operator sets by environment. Throws a SettingError that names the variable. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingError';
  }
}

export interface Settings {
  natsServers: string[];
  /** contents of a .creds file, or an NKEY seed */
  natsCreds?: string;
  /** first token of the subjects on which answers come; absent: the client's own */
  natsInboxPrefix?: string;
  /** what the reply subject of a backend's command begins with, with `{tenant}` in it; absent: any that is not the system's own */
  backendReplies?: string;
  edgeUrl: string;
  internalSecret: string;
  dataDir: string;
  /** absent: EVENTS_BYTES_DEFAULT, or as much as the server grants */
  eventsMaxBytes?: number;
  deadLettersMaxBytes?: number;
  commandsMaxBytes?: number;
  /** of the stream of events, when it is made; absent: EVENTS_DUPLICATE_WINDOW_MS */
  eventsDuplicateWindowMs?: number;
  /** how often the stream of events is looked after; absent: the upkeep's own */
  upkeepEveryMs?: number;
  /** absent: 1, or what the stream already has */
  replicas?: number;
}

const INBOX_PREFIX = /^[A-Za-z0-9_-]+$/;
const REPLIES = /^(?:[A-Za-z0-9_-]+\.)*\{tenant\}\.(?:[A-Za-z0-9_-]+\.)*$/;
/** shorter secrets are guessed */
const SECRET_CHARS_MIN = 16;

export function settingsFrom(env: Readonly<Record<string, string | undefined>>): Settings {
  const creds = credsFrom(env['NATS_CREDS']);
  const inboxPrefix = matching(env, 'NATS_INBOX_PREFIX', INBOX_PREFIX, 'one token of letters, digits, - and _');
  const backendReplies = matching(
    env,
    'BACKEND_REPLIES',
    REPLIES,
    'like replies.{tenant}., with the tenant as a token of its own and a dot at the end',
  );
  const eventsMaxBytes = wholeNumber(env, 'EVENTS_MAX_BYTES');
  const deadLettersMaxBytes = wholeNumber(env, 'DEAD_LETTERS_MAX_BYTES');
  const commandsMaxBytes = wholeNumber(env, 'COMMANDS_MAX_BYTES');
  const eventsDuplicateWindowMs = wholeNumber(env, 'EVENTS_DUPLICATE_WINDOW_MS');
  const upkeepEveryMs = wholeNumber(env, 'UPKEEP_EVERY_MS');
  const replicas = wholeNumber(env, 'EVENTS_REPLICAS');
  const internalSecret = env['INTERNAL_SECRET'] ?? '';
  if (internalSecret.length < SECRET_CHARS_MIN) {
    throw new SettingError(
      `INTERNAL_SECRET must be set, to at least ${SECRET_CHARS_MIN} characters, and be the same at the edge`,
    );
  }
  return {
    natsServers: serversFrom(env['NATS_URL'] || 'nats://127.0.0.1:4222'),
    ...(creds === undefined ? {} : { natsCreds: creds }),
    ...(inboxPrefix === undefined ? {} : { natsInboxPrefix: inboxPrefix }),
    ...(backendReplies === undefined ? {} : { backendReplies }),
    edgeUrl: edgeUrlFrom(env['EDGE_URL'] || 'http://127.0.0.1:8787'),
    internalSecret,
    dataDir: env['DATA_DIR'] || '.millrace',
    ...(eventsMaxBytes === undefined ? {} : { eventsMaxBytes }),
    ...(deadLettersMaxBytes === undefined ? {} : { deadLettersMaxBytes }),
    ...(commandsMaxBytes === undefined ? {} : { commandsMaxBytes }),
    ...(eventsDuplicateWindowMs === undefined ? {} : { eventsDuplicateWindowMs }),
    ...(upkeepEveryMs === undefined ? {} : { upkeepEveryMs }),
    ...(replicas === undefined ? {} : { replicas }),
  };
}

/** `history,query`, each one of `known` and named once. */
export function rolesFrom(list: string, known: readonly string[]): string[] {
  const names = list.split(',').map((name) => name.trim());
  const roles = known.filter((role) => names.includes(role));
  if (roles.length !== names.length) throw new SettingError(`--roles must be a comma-separated list of ${known.join(', ')}`);
  return roles;
}

function serversFrom(list: string): string[] {
  const servers = list
    .split(',')
    .map((server) => server.trim())
    .filter((server) => server !== '');
  if (servers.length === 0) throw new SettingError('NATS_URL must name at least one server');
  return servers;
}

function edgeUrlFrom(url: string): string {
  if (!URL.canParse(url)) throw new SettingError('EDGE_URL must be an http or https address');
  return url.replace(/\/+$/, '');
}

function matching(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  pattern: RegExp,
  form: string,
): string | undefined {
  const value = env[name];
  if (value === undefined || value === '') return undefined;
  if (!pattern.test(value)) throw new SettingError(`${name} must be ${form}`);
  return value;
}

/** The file's path or its contents: secret stores give one, mounts the other. */
function credsFrom(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (value.includes('BEGIN NATS USER JWT') || isUserSeed(value)) return value;
  try {
    return readFileSync(value, 'utf8');
  } catch {
    throw new SettingError(
      'NATS_CREDS must be the contents of a .creds file or an NKEY seed, or the path of one that can be read',
    );
  }
}

function wholeNumber(env: Readonly<Record<string, string | undefined>>, name: string): number | undefined {
  const raw = env[name];
  if (raw === undefined || raw === '') return undefined;
  const value = Number(raw);
  if (!Number.isSafeInteger(value) || value < 1) throw new SettingError(`${name} must be a whole number of at least 1`);
  return value;
}
