import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { encodeFrame, FrameReader, OPCODE } from './frame-reader.ts';

const HANDSHAKE_BYTES_MAX = 16 * 1024;
const HANDSHAKE_MS_MAX = 15_000;
const READ_BUFFER_BYTES = 512 * 1024;
// one for all: each read is handled before the next one begins, and a buffer that stays in the cache is a cheaper one
const readBuffer = Buffer.allocUnsafe(READ_BUFFER_BYTES);

export interface Endpoint {
  host: string;
  port: number;
  path: string;
  protocols?: readonly string[];
  /** a server-side client may say who it is by a token instead of a ticket */
  token?: string;
}

/** A WebSocket client of the bench: counts bytes and frames, hands text frames on, answers pings. */
export class Connection {
  bytesReceived = 0;
  framesReceived = 0;
  /** why the connection is of no use any more */
  failure: Error | undefined;
  /** the payload is valid only during the call */
  onText: (payload: Buffer) => void = () => {};
  /** called once, when the connection ends for whatever reason but `close` */
  onFailure: (error: Error) => void = () => {};
  #socket: Socket | undefined;

  async open(endpoint: Endpoint): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      let head: Buffer | undefined = Buffer.alloc(0);
      const reader = new FrameReader((opcode, payload) => this.#onFrame(opcode, payload));
      const timer = setTimeout(() => fail(new Error(`no WebSocket within ${HANDSHAKE_MS_MAX} ms`)), HANDSHAKE_MS_MAX);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        if (this.failure === undefined) {
          this.failure = error;
          this.onFailure(error);
        }
        this.#socket?.destroy();
        reject(error);
      };
      const take = (chunk: Buffer): void => {
        if (head === undefined) return reader.push(chunk);
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1 && head.length <= HANDSHAKE_BYTES_MAX) return;
        const answer = head.toString('latin1');
        if (end === -1 || !answer.startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${answer.slice(0, 400)}`);
        const rest = head.subarray(end + 4);
        head = undefined;
        clearTimeout(timer);
        resolve();
        reader.push(rest);
      };
      const callback = (bytes: number, buffer: Uint8Array): boolean => {
        try {
          this.bytesReceived += bytes;
          take(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
        } catch (error) {
          fail(error instanceof Error ? error : new Error(String(error)));
        }
        return true;
      };
      const socket = connect({ host: endpoint.host, port: endpoint.port, onread: { buffer: readBuffer, callback } });
      this.#socket = socket;
      socket.setNoDelay(true);
      socket.on('error', fail);
      socket.on('close', () => fail(new Error('the server closed the connection')));
      socket.on('connect', () => socket.write(upgradeRequest(endpoint)));
    });
  }

  send(payload: string): void {
    this.#socket?.write(encodeFrame(OPCODE.text, payload));
  }

  /** Ends the connection without a close handshake: the servers have to bear that anyway. */
  close(): void {
    this.failure ??= new Error('closed by the bench');
    this.#socket?.destroy();
  }

  #onFrame(opcode: number, payload: Buffer): void {
    this.framesReceived += 1;
    if (opcode === OPCODE.text) this.onText(payload);
    else if (opcode === OPCODE.ping) this.#socket?.write(encodeFrame(OPCODE.pong, payload.toString()));
    else if (opcode === OPCODE.close)
      throw new Error(
        `closed by the server: ${payload.length < 2 ? '' : payload.readUInt16BE(0)} ${payload.subarray(2).toString()}`,
      );
    else if (opcode !== OPCODE.pong) throw new Error(`a frame of opcode ${opcode}, which the bench does not read`);
  }
}

function upgradeRequest(endpoint: Endpoint): string {
  const lines = [
    `GET ${endpoint.path} HTTP/1.1`,
    `Host: ${endpoint.host}:${endpoint.port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
  ];
  if (endpoint.protocols !== undefined) lines.push(`Sec-WebSocket-Protocol: ${endpoint.protocols.join(', ')}`);
  if (endpoint.token !== undefined) lines.push(`Authorization: Bearer ${endpoint.token}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
