import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const ANSWER_MS_MAX = 60_000;

export interface Asked {
  token?: string | undefined;
  body?: unknown;
  /** sent as it is, instead of `body` */
  raw?: string | Uint8Array<ArrayBuffer>;
  headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** parsed when it says that it is JSON, else the text */
  body: unknown;
}

/** One request, whatever its answer. */
export async function ask(url: string, method: string, path: string, { token, body, raw, headers }: Asked = {}): Promise<Answer> {
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(sent === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const text = await response.text();
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/.test(response.headers.get('Content-Type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? (JSON.parse(text) as unknown) : text };
}

/** Asks for an upgrade and answers what came instead of one; status 101, and nothing else, when it was granted. */
export async function askUpgrade(url: string, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const target = new URL(url + path);
  const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64'),
      ...headers,
    },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: new Headers(plain(response.headers)), body: undefined });
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = (response.headers['content-type'] ?? '').includes('json');
        const body = isJson ? (JSON.parse(text) as unknown) : text;
        resolve({ status: response.statusCode ?? 0, headers: new Headers(plain(response.headers)), body });
      });
    });
    request.end();
  });
}

function plain(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
