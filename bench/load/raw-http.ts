import { connect, type Socket } from 'node:net';

const HEAD_BYTES_MAX = 16 * 1024;
const ANSWER_BYTES_MAX = 1024 * 1024;
const ANSWER_MS_MAX = 30_000;
const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/**
 * One kept-alive connection that posts, one request at a time. Why not node:http: on a machine with few cores it would be
 * most of what is measured. Reads answers with Content-Length or in chunks (RFC 9112 §6); anything else fails.
 */
export class RawHttp {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #settle: { resolve: (status: number) => void; reject: (error: Error) => void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  /** of the last answer, for a complaint */
  last = '';

  constructor(base: string) {
    const { hostname, port } = new URL(base);
    this.#host = hostname;
    this.#port = Number(port);
  }

  async open(): Promise<void> {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  /** The bytes of a request, to be sent any number of times. */
  request(path: string, token: string, body: string): Buffer {
    return Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: ${this.#host}:${this.#port}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }

  /** The status of the answer. Rejects when there is none within 30 s. */
  post(request: Buffer): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#timer = setTimeout(() => this.#fail(new Error(`no answer within ${ANSWER_MS_MAX} ms`)), ANSWER_MS_MAX);
      this.#socket?.write(request);
    });
  }

  close(): void {
    this.#socket?.removeAllListeners('close');
    this.#socket?.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    clearTimeout(this.#timer);
    this.#settle?.reject(error);
    this.#settle = undefined;
  }

  #take(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const end = this.#buffer.indexOf(HEAD_END);
    if (end === -1) {
      if (this.#buffer.length > HEAD_BYTES_MAX) this.#fail(new Error('an answer without an end of its head'));
      return;
    }
    const head = this.#buffer.toString('latin1', 0, end);
    const from = end + HEAD_END.length;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const until = length === undefined ? this.#endOfChunks(from) : from + Number(length);
    if (this.#buffer.length > ANSWER_BYTES_MAX) return this.#fail(new Error('an answer that is too long'));
    if (until === undefined || this.#buffer.length < until) return;
    this.last = this.#buffer.toString('utf8', 0, Math.min(until, 1_000));
    const status = Number(head.slice(9, 12));
    this.#buffer = this.#buffer.subarray(until);
    clearTimeout(this.#timer);
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve(status);
  }

  /** JSON holds no line break, so that the last chunk is not found in it. */
  #endOfChunks(from: number): number | undefined {
    const at = this.#buffer.indexOf(LAST_CHUNK, from);
    return at === -1 ? undefined : at + LAST_CHUNK.length;
  }
}
