/**
 * Reads the WebSocket frames (RFC 6455 §5.2) that a server sends. Why not a library's: on a machine with few cores the clients are
 * most of the work, and a general client spends several times more per frame than this, which would make all contestants look alike.
 * Only what the contestants send is understood: unmasked, unfragmented, uncompressed frames; anything else throws.
 */
export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** over it the connection fails: no contestant sends such a frame */
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const HEADER_BYTES_MAX = 10;

export class FrameReader {
  readonly #onFrame: (opcode: number, payload: Buffer) => void;
  readonly #header = Buffer.alloc(HEADER_BYTES_MAX);
  #headerBytes = 0;
  #opcode = 0;
  #partial: Buffer | undefined;
  #partialBytes = 0;

  /** `payload` is valid only during the call: it may be a window onto the buffer of the next read. */
  constructor(onFrame: (opcode: number, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  /** Takes the bytes of one read, cut anywhere. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#partial === undefined ? this.#readHeader(chunk, at) : this.#readPayload(this.#partial, chunk, at);
    }
  }

  #readHeader(chunk: Buffer, from: number): number {
    let at = from;
    let needed = headerBytes(this.#header, this.#headerBytes);
    while (this.#headerBytes < needed && at < chunk.length) {
      this.#header[this.#headerBytes] = chunk[at] as number;
      this.#headerBytes += 1;
      at += 1;
      needed = headerBytes(this.#header, this.#headerBytes);
    }
    if (this.#headerBytes < needed) return at;
    const length = payloadBytes(this.#header);
    this.#opcode = (this.#header[0] as number) & 0x0f;
    this.#headerBytes = 0;
    if (at + length <= chunk.length) {
      this.#onFrame(this.#opcode, chunk.subarray(at, at + length));
      return at + length;
    }
    this.#partial = Buffer.allocUnsafe(length);
    this.#partialBytes = 0;
    return at;
  }

  #readPayload(partial: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(partial, this.#partialBytes, at);
    this.#partialBytes += copied;
    if (this.#partialBytes === partial.length) {
      this.#partial = undefined;
      this.#onFrame(this.#opcode, partial);
    }
    return at + copied;
  }
}

function headerBytes(header: Buffer, have: number): number {
  if (have < 2) return 2;
  const first = header[0] as number;
  const length = header[1] as number;
  if ((first & 0x80) === 0 || (first & 0x0f) === 0)
    throw new Error('a fragmented WebSocket frame, which the bench does not read');
  if ((first & 0x70) !== 0) throw new Error('a WebSocket frame of an extension that was not asked for');
  if ((length & 0x80) !== 0) throw new Error('a masked WebSocket frame from a server');
  if (length === 126) return 4;
  return length === 127 ? 10 : 2;
}

function payloadBytes(header: Buffer): number {
  const short = header[1] as number;
  const length = short === 126 ? header.readUInt16BE(2) : short === 127 ? Number(header.readBigUInt64BE(2)) : short;
  if (length > FRAME_BYTES_MAX) throw new Error(`a WebSocket frame of ${length} bytes, more than ${FRAME_BYTES_MAX}`);
  return length;
}

/** A client's frame. The mask is all zeros, which RFC 6455 allows and which leaves the payload as it is: the peer's work is the same. */
export function encodeFrame(opcode: number, payload: string): Buffer {
  const length = Buffer.byteLength(payload);
  if (length > 0xffff) throw new RangeError('the bench sends no frame over 65,535 bytes');
  const extended = length > 125 ? 2 : 0;
  const frame = Buffer.alloc(2 + extended + 4 + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extended === 0 ? length : 126);
  if (extended > 0) frame.writeUInt16BE(length, 2);
  frame.write(payload, 2 + extended + 4);
  return frame;
}
