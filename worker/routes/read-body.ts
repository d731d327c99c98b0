import { BODY_BYTES_MAX, METADATA_LEVELS_MAX } from '../../shared/core/limits.ts';
import { refuse } from './refused.ts';

/**
 * Deeper JSON is refused: recursive code behind this door relies on it. All that the schemas allow passes, wherever in a body
 * the metadata stands, so that a command ends the same by every door.
 */
export const JSON_LEVELS_MAX = METADATA_LEVELS_MAX + 8;

/** The bytes of a body, counted while they come: a Content-Length may be missing or wrong. Over the bound: 413. */
export async function readBytes(request: Request, bytesMax: number = BODY_BYTES_MAX): Promise<Uint8Array> {
  if (Number(request.headers.get('Content-Length') ?? 0) > bytesMax) throw tooLarge(bytesMax);
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > bytesMax) {
      await reader.cancel();
      throw tooLarge(bytesMax);
    }
    chunks.push(value);
  }
  return joined(chunks, size);
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** A JSON body; undefined when there is none. 400 invalid_request, 413 payload_too_large, 415 unsupported_media_type. */
export async function readJson(request: Request): Promise<unknown> {
  const bytes = await readBytes(request);
  if (bytes.byteLength === 0) return undefined;
  requireJson(request.headers);
  const value = parseJson(decode(bytes));
  // a missing body is {}, but null is a value, and of the wrong kind
  if (value === null) throw refuse('invalid_request', 'The body must be a JSON object.');
  return value;
}

export function parseJson(text: string): unknown {
  if (nestsDeeperThan(JSON_LEVELS_MAX, text)) {
    throw refuse('invalid_request', `The body is nested deeper than ${JSON_LEVELS_MAX} levels.`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refuse('invalid_request', 'The body is not JSON.');
  }
}

export function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw refuse('invalid_request', 'The body is not UTF-8.');
  }
}

/** `application/json`, with no charset but UTF-8. A body that names no type is taken for JSON. */
function requireJson(headers: Headers): void {
  const encoding = headers.get('Content-Encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw refuse('unsupported_media_type', 'The body must not be compressed.');
  }
  const header = headers.get('Content-Type');
  if (header === null) return;
  const [type = '', ...parameters] = header
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((each) => each.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (type !== 'application/json' || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')) {
    throw refuse('unsupported_media_type', 'The body must be application/json in UTF-8.');
  }
}

/** Looks at brackets outside of strings only; whether the text is JSON at all is the parser's to say. */
function nestsDeeperThan(max: number, text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i += 1;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) {
      depth += 1;
      if (depth > max) return true;
    } else if (char === 0x7d || char === 0x5d) depth -= 1;
  }
  return false;
}

function tooLarge(bytesMax: number) {
  return refuse('payload_too_large', `A body may have at most ${bytesMax} bytes.`);
}
