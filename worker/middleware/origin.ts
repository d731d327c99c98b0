import type { Env } from '../env.ts';

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

/** May a page of this origin use the API (contract §7)? `requestUrl` is the address that was called. */
export function isOriginAllowed(env: Env, origin: string, requestUrl: string): boolean {
  const listed = (env.ALLOWED_ORIGINS ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (listed.length > 0) return listed.includes(origin);
  if (env.ENVIRONMENT === 'local') return isLocal(origin);
  return origin === new URL(requestUrl).origin || (env.PUBLIC_URL !== undefined && origin === originOf(env.PUBLIC_URL));
}

function isLocal(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  // an origin has no path: anything longer is not one that a browser sent
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.origin === origin && LOCAL_HOSTS.has(url.hostname);
}

function originOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).origin : undefined;
}

/** True when the request came to this machine by a name of its own: a page that rebinds DNS to it has another. */
export function isLocalHost(requestUrl: string): boolean {
  return LOCAL_HOSTS.has(new URL(requestUrl).hostname);
}
