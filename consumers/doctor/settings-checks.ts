import { error, ok, warning, type Finding } from './finding.ts';

/** What can be told of the settings of the edge by looking at them alone. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** the edge refuses to serve with less (contract §7) */
const SECRET_BYTES_MIN = 32;
/** of a secret that was made up, and not made */
const SECRET_KINDS_MIN = 10;
const UPLINKS_MAX = 64;

/** Pure. What is not set is not looked at: it may be set where it is needed. */
export function checkEdgeSettings(env: Environment): Finding[] {
  return [
    ...secret(env, 'JWT_SECRET'),
    ...secret(env, 'INTERNAL_SECRET'),
    ...jwks(env),
    ...origins(env),
    ...publicUrl(env),
    ...webSocketUrls(env),
    ...uplinks(env),
    ...placement(env),
  ];
}

function secret(env: Environment, name: string): Finding[] {
  const value = env[name];
  if (value === undefined || value === '') return [];
  const bytes = new TextEncoder().encode(value).byteLength;
  const fix = `Make one with "openssl rand -base64 48" and set it wherever ${name} is used.`;
  if (bytes < SECRET_BYTES_MIN) {
    return [
      error(name, `${name} has ${bytes} bytes: with fewer than ${SECRET_BYTES_MIN} the edge answers every call with 503.`, fix),
    ];
  }
  if (new Set(value).size < SECRET_KINDS_MIN) return [warning(name, `${name} repeats few characters: it can be guessed.`, fix)];
  return [ok(name, `${name} is long enough.`)];
}

function jwks(env: Environment): Finding[] {
  const value = env['JWT_JWKS_URL'];
  if (value === undefined || value === '') return [];
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return [];
  return [error('JWT_JWKS_URL', `JWT_JWKS_URL is not an address: "${value}".`, 'Give the https address of your key set.')];
}

function origins(env: Environment): Finding[] {
  const check = 'ALLOWED_ORIGINS';
  const listed = listOf(env[check]);
  // a parser takes an asterisk for a name like any other
  const wrong = listed.filter((origin) => origin.includes('*') || !URL.canParse(origin) || new URL(origin).origin !== origin);
  const found = wrong.map((origin) => {
    const says = `ALLOWED_ORIGINS has "${origin}", which no browser ever sends: it is compared as it stands.`;
    return error(check, says, originFix(origin));
  });
  if (found.length > 0) return found;
  if (listed.length > 0) return [ok(check, `ALLOWED_ORIGINS has ${listed.length} exact origins.`)];
  return env['ENVIRONMENT'] === 'production'
    ? [
        warning(
          check,
          'ALLOWED_ORIGINS is not set: pages of other origins than the edge itself are refused.',
          'Set it if there are any.',
        ),
      ]
    : [];
}

function originFix(origin: string): string {
  if (origin.includes('*')) return 'Name each origin: there are no wildcards.';
  if (!URL.canParse(origin) || new URL(origin).origin === 'null') return 'Write scheme, host and port: https://app.example.com';
  return `Write it as ${new URL(origin).origin}`;
}

function publicUrl(env: Environment): Finding[] {
  const check = 'PUBLIC_URL';
  const value = env[check];
  if (value === undefined || value === '') return [];
  const fix = 'Give the address by which clients reach the edge, as https://millrace.example.com';
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    return [error(check, `PUBLIC_URL is not an address: "${value}".`, fix)];
  }
  const { origin, protocol } = new URL(value);
  if (value !== origin) {
    const says = `PUBLIC_URL is "${value}", more than an origin: addresses of schemas begin with all of it.`;
    return [warning(check, says, `Unless that is meant, write it as ${origin}`)];
  }
  if (env['ENVIRONMENT'] === 'production' && protocol !== 'https:') {
    return [warning(check, 'PUBLIC_URL is not https: tokens would pass readably.', fix)];
  }
  return [ok(check, `PUBLIC_URL is ${value}`)];
}

function webSocketUrls(env: Environment): Finding[] {
  const check = 'NATS_WS_URL';
  const wrong = listOf(env[check]).filter((url) => !URL.canParse(url) || !/^wss?:$/.test(new URL(url).protocol));
  return wrong.map((url) =>
    error(
      check,
      `NATS_WS_URL has "${url}": the edge reaches NATS by WebSocket alone.`,
      'Give ws:// or wss:// and the websocket port.',
    ),
  );
}

function uplinks(env: Environment): Finding[] {
  const value = env['UPLINKS'];
  if (value === undefined || value === '') return [];
  const size = Number(value);
  if (Number.isSafeInteger(size) && size >= 1 && size <= UPLINKS_MAX) return [];
  const fix = `Give a whole number from 1 to ${UPLINKS_MAX}.`;
  return [error('UPLINKS', `UPLINKS is "${value}": the edge takes another number instead.`, fix)];
}

function placement(env: Environment): Finding[] {
  const value = env['TENANT_PLACEMENT'];
  if (value === undefined || value === '') return [];
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return [];
  } catch {
    // told below
  }
  const fix = 'Give {"tenant": {"jurisdiction": "eu"}} and the like.';
  return [error('TENANT_PLACEMENT', 'TENANT_PLACEMENT is not a JSON object.', fix)];
}

export function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}
