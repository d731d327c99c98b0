import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { backoffMs, wait } from './backoff.ts';
import { describe, type Log } from './log.ts';
import { SettingError } from './settings.ts';

/** The HTTP endpoint of a process, for whoever looks after it: figures, and whether it is well. Reads only. */

export interface EndpointAnswer {
  status: number;
  contentType: string;
  body: string;
}

/** What is answered at a path, to GET and HEAD. May reject: then it is 500, and the log says why. */
export type EndpointRoute = () => Promise<EndpointAnswer> | EndpointAnswer;

export interface EndpointSettings {
  host: string;
  /** 0: any free one, which the log names */
  port: number;
}

const PORT_DEFAULT = 9464;
/** figures are the business of whoever runs the process: heard from elsewhere than its own machine by setting */
const HOST_DEFAULT = '127.0.0.1';

/** METRICS_PORT and METRICS_HOST. Throws a SettingError. */
export function endpointSettingsFrom(env: Readonly<Record<string, string | undefined>>): EndpointSettings {
  const port = Number(env['METRICS_PORT'] || PORT_DEFAULT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new SettingError('METRICS_PORT must be a port from 1 to 65535, or 0 for any that is free');
  }
  return { host: env['METRICS_HOST'] || HOST_DEFAULT, port };
}

/** whoever keeps more open waits at the door */
const CONNECTIONS_MAX = 32;
const REQUEST_MS_MAX = 10_000;
const HEADER_BYTES_MAX = 8 * 1024;
/** a port in use may be that of the process before this one, which still drains */
const LISTEN_BOUNDS = { minMs: 500, maxMs: 15_000 };

/**
 * Serves the routes until stopped. Never rejects, and waits for nothing: a process whose port is taken does its work without an
 * endpoint, says so once, and tries again.
 */
export function serveEndpoint(
  { host, port }: EndpointSettings,
  routes: ReadonlyMap<string, EndpointRoute>,
  log: Log,
): () => Promise<void> {
  const ending = new AbortController();
  const server = createServer({ requestTimeout: REQUEST_MS_MAX, maxHeaderSize: HEADER_BYTES_MAX }, (request, response) => {
    void answer(request, response, routes, log);
  });
  server.maxConnections = CONNECTIONS_MAX;
  const listening = listenForever(server, { host, port }, log, ending.signal);
  return async () => {
    ending.abort();
    await listening;
    if (!server.listening) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}

async function listenForever(server: Server, { host, port }: EndpointSettings, log: Log, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await listen(server, host, port);
      // a fault later is one of a connection, and not of the process
      server.on('error', (error) => log('warn', 'the endpoint failed', { error: describe(error) }));
      log('info', 'metrics are served', { host, port: (server.address() as AddressInfo).port });
      return;
    } catch (error) {
      const help = 'set METRICS_PORT to another port, or to 0 for any';
      if (attempt === 1) log('warn', 'metrics cannot be served yet', { host, port, error: describe(error), help });
      await wait(backoffMs(attempt, LISTEN_BOUNDS, Math.random()), signal);
    }
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

const TEXT = 'text/plain; charset=utf-8';

/** Never rejects. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: ReadonlyMap<string, EndpointRoute>,
  log: Log,
): Promise<void> {
  const said = await answerOf(request, routes).catch((error: unknown): EndpointAnswer => {
    log('error', 'the endpoint could not answer', { error: describe(error) });
    return { status: 500, contentType: TEXT, body: 'internal\n' };
  });
  response.writeHead(said.status, { 'Content-Type': said.contentType, 'Cache-Control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : said.body);
}

async function answerOf({ method, url }: IncomingMessage, routes: ReadonlyMap<string, EndpointRoute>): Promise<EndpointAnswer> {
  const route = routes.get((url ?? '').replace(/\?.*$/s, ''));
  if (route === undefined) return { status: 404, contentType: TEXT, body: `there is ${[...routes.keys()].join(', ')}\n` };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, contentType: TEXT, body: 'GET or HEAD\n' };
  return await route();
}
