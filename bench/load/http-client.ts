import { Agent, request } from 'node:http';

const ANSWER_MS_MAX = 15_000;

export interface HttpAnswer {
  status: number;
  body: string;
}

/** Requests over kept-alive connections, at most `connections` at once. */
export class HttpClient {
  readonly #agent: Agent;
  readonly #base: URL;

  constructor(base: string, connections: number) {
    this.#base = new URL(base);
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Rejects when there is no answer within 15 s; any status is an answer. */
  post(path: string, token: string, body: unknown): Promise<HttpAnswer> {
    return this.#ask('POST', path, token, JSON.stringify(body));
  }

  put(path: string, token: string, body: unknown): Promise<HttpAnswer> {
    return this.#ask('PUT', path, token, JSON.stringify(body));
  }

  get(path: string, token: string): Promise<HttpAnswer> {
    return this.#ask('GET', path, token);
  }

  #ask(method: 'GET' | 'POST' | 'PUT', path: string, token: string, payload?: string): Promise<HttpAnswer> {
    const content =
      payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: this.#base.hostname,
          port: this.#base.port,
          path,
          method,
          agent: this.#agent,
          timeout: ANSWER_MS_MAX,
          headers: { authorization: `Bearer ${token}`, ...content },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
          response.on('error', reject);
        },
      );
      sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path} within ${ANSWER_MS_MAX} ms`)));
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
