import { env, exports } from 'cloudflare:workers';
import { v7 } from 'uuid';
import { CATALOGUE, type CommandSpec } from '../../shared/contract/catalogue.ts';
import type { Accepted } from '../../shared/contract/answers.ts';
import type { ErrorCode } from '../../shared/core/codes.ts';
import type { CommandName } from '../../shared/core/types.ts';
import { openApiDocument } from '../../worker/openapi/document.ts';
import { ROUTES } from '../../worker/routes/app.ts';
import { rawParams } from '../../worker/routes/route.ts';
import { TestSocket } from './support.ts';

/** The whole edge from outside: the Worker's fetch with tokens, and sockets. */

const ORIGIN = 'http://localhost:8787';
const FAR_S = 3_600;
const bindings = env as unknown as { JWT_SECRET: string };

export interface Claims {
  sub: string;
  [claim: string]: unknown;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  correlationId: string;
  retryAfterMs?: number;
  errors?: { path: string; message: string }[];
}

export interface Frame {
  type: string;
  id?: string;
  result?: Accepted;
  replayed?: boolean;
  error?: Problem;
}

export function base64Url(bytes: Uint8Array | string): string {
  const raw = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  return btoa(String.fromCharCode(...raw))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** A token as anyone could make it: header, claims and secret as given. */
export async function signed(header: object, claims: object, secret: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const raw = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
  const key = await crypto.subtle.importKey('raw', raw, algorithm, false, ['sign']);
  const text = `${base64Url(JSON.stringify(header))}.${base64Url(JSON.stringify(claims))}`;
  return `${text}.${base64Url(new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))))}`;
}

export function token(claims: Claims): Promise<string> {
  return signed({ alg: 'HS256' }, { exp: Math.floor(Date.now() / 1_000) + FAR_S, ...claims }, bindings.JWT_SECRET);
}

export type Init = {
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  signal?: AbortSignal;
};

export async function send(method: string, path: string, init: Init = {}): Promise<Response> {
  const main = (exports as unknown as { default: Fetcher }).default;
  const request = new Request(new URL(path, ORIGIN), { method, ...init });
  const { pathname } = new URL(request.url);
  const response = await main.fetch(request);
  await expectDocumented(method, pathname, response);
  return response;
}

const documented = openApiDocument(ORIGIN);

/** Every refusal that any test meets is one that the OpenAPI document names for this operation. */
async function expectDocumented(method: string, pathname: string, response: Response): Promise<void> {
  if (response.headers.get('Content-Type') !== 'application/problem+json') return;
  const route = ROUTES.find((each) => each.method === method && rawParams(each.path, pathname) !== undefined);
  const operation = route === undefined ? undefined : documented.paths[route.path]?.[method.toLowerCase()];
  // an address or a method that does not exist, or a door that is none of the public ones
  if (operation === undefined) return;
  const { code } = await response.clone().json<Problem>();
  const codes = operation.responses[String(response.status)]?.description.split(', ') ?? [];
  if (!codes.includes(code)) throw new Error(`${operation.operationId}: ${response.status} ${code} is not documented`);
}

export async function as(who: string | Claims, method: string, path: string, body?: unknown, init: Init = {}): Promise<Response> {
  const claims = typeof who === 'string' ? { sub: who } : who;
  const headers = {
    Authorization: `Bearer ${await token(claims)}`,
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...init.headers,
  };
  return send(method, path, { ...init, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

/** A command through the HTTP door: path parameters go into the path, all else into the body. */
export function commandRequest(sessionId: string, name: CommandName, data: Record<string, unknown>) {
  const spec: CommandSpec = CATALOGUE[name];
  const body = { ...data };
  let path = spec.path.replace('{s}', sessionId);
  for (const [param, fieldName] of Object.entries(spec.params)) {
    path = path.replace(`{${param}}`, encodeURIComponent(String(body[fieldName])));
    delete body[fieldName];
  }
  return { method: spec.method, path: `/v1${path}`, body };
}

/** A session of its own with an owner (alice), a member (bob), viewers (vera, and svc that acts for others) and a former member (fred). */
export class EdgeSession {
  readonly id = v7();
  #frames = 0;

  static async make(visibility: 'private' | 'public' = 'private'): Promise<EdgeSession> {
    const session = new EdgeSession();
    const members = [
      { userId: 'bob', role: 'member' },
      { userId: 'vera', role: 'viewer' },
      { userId: 'fred', role: 'member' },
      { userId: 'svc', role: 'viewer' },
    ];
    await session.must('alice', 'session.create', { id: session.id, title: 'Refusals', visibility, members });
    await session.must('alice', 'message.send', { id: 'm-alice', text: 'hello' });
    await session.must('bob', 'message.send', { id: 'm-bob', text: 'hello yourself' });
    await session.must('bob', 'message.send', { id: 'm-gone', text: 'soon gone' });
    await session.must('bob', 'message.delete', { messageId: 'm-gone' });
    await session.must('alice', 'member.remove', { userId: 'fred' });
    return session;
  }

  get path(): string {
    return `/v1/sessions/${this.id}`;
  }

  async http(who: string | Claims, name: CommandName, data: Record<string, unknown>, init: Init = {}): Promise<Response> {
    const { method, path, body } = commandRequest(this.id, name, data);
    return as(who, method, path, body, init);
  }

  async must(who: string | Claims, name: CommandName, data: Record<string, unknown>, key?: string): Promise<Accepted> {
    const response = await this.http(who, name, data, key === undefined ? {} : { headers: { 'Idempotency-Key': key } });
    if (response.status !== 202) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    return await response.json();
  }

  async upgrade(
    who: string | Claims | undefined,
    init: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const claims = typeof who === 'string' ? { sub: who } : who;
    const headers = {
      Upgrade: 'websocket',
      ...(claims === undefined ? {} : { Authorization: `Bearer ${await token(claims)}` }),
      ...init.headers,
    };
    return send('GET', `${this.path}/socket${init.query ?? ''}`, { headers });
  }

  async connect(who: string | Claims, query = ''): Promise<TestSocket> {
    const response = await this.upgrade(who, { query });
    if (response.webSocket === null) throw new Error(`refused: ${response.status} ${await response.text()}`);
    return new TestSocket(response.webSocket);
  }

  /** A command through a socket; the frame that answers it. */
  async frame(socket: TestSocket, command: string, data: unknown, more: object = {}): Promise<Frame> {
    this.#frames += 1;
    const id = `f${this.#frames}`;
    socket.send({ type: 'command', id, command, data, ...more });
    return socket.until(`the answer to ${command}`, () => (socket.frames as Frame[]).find((frame) => frame.id === id));
  }

  async ticket(who: string | Claims): Promise<string> {
    const response = await as(who, 'POST', `${this.path}/tickets`);
    if (response.status !== 201) throw new Error(`no ticket: ${response.status} ${await response.text()}`);
    return (await response.json<{ ticket: string }>()).ticket;
  }

  /** All that a refusal must not change: the session itself, its members, messages and whole log. */
  async snapshot(who: string | Claims = 'alice'): Promise<string> {
    const parts = ['', '/members', '/messages', '/events'].map(async (part) => {
      const response = await as(who, 'GET', `${this.path}${part}`);
      return `${response.status} ${await response.text()}`.replaceAll(/"correlationId":"[^"]*"/g, '');
    });
    return (await Promise.all(parts)).join('\n');
  }
}
