import { canonicalJson } from './text.ts';
import { isErased, type Event } from './types.ts';

/**
 * What an event is, in eight bytes: by them edge, stream, archive and read models are compared without its content, and the
 * edge remembers what it has trimmed. Two halves, so that an erasure, which takes the data away everywhere, leaves the rest
 * to be compared: an event that was erased in any place has the same digest in each. Against mistakes, not against forgers.
 */
export interface EventDigest {
  /** of all but `data`; NOT_KNOWN where nobody knows it any more */
  envelope: number;
  /** of `data`, or ERASED; NOT_KNOWN with an envelope that is not known */
  data: number;
}

export const DIGEST_BYTES = 8;
const HALF_BYTES = 4;
const HEX_DIGITS = 2 * HALF_BYTES;
/** zeros, so that a place where nothing was written says it by itself */
export const NOT_KNOWN = 0;
export const ERASED = 1;
/** the first value that is a digest */
const DIGEST_MIN = 2;

/** `sha256` gives hex: the platform's own, for the core has none. */
export function digestOf(event: Event, sha256: (text: string) => string): EventDigest {
  const { data, ...envelope } = event;
  const half = (value: unknown): number =>
    Math.max(DIGEST_MIN, Number.parseInt(sha256(canonicalJson(value)).slice(0, HEX_DIGITS), 16));
  return { envelope: half(envelope), data: isErased(event) ? ERASED : half(data) };
}

/**
 * What a digest found elsewhere is beside the edge's:
 * - `unerased`: content that the edge has erased is still there;
 * - `erased`: content that the edge has is erased there;
 * - `unverifiable`: the edge trimmed the event before it kept digests.
 */
export type DigestVerdict = 'same' | 'different' | 'unerased' | 'erased' | 'unverifiable';

export function compareDigests(edge: EventDigest, found: EventDigest): DigestVerdict {
  const isUnknown = edge.envelope === NOT_KNOWN;
  if (!isUnknown && edge.envelope !== found.envelope) return 'different';
  if (edge.data === ERASED && found.data !== ERASED) return 'unerased';
  if (isUnknown) return 'unverifiable';
  if (edge.data === found.data) return 'same';
  return found.data === ERASED ? 'erased' : 'different';
}

/** Digests one after the other, as they are stored and sent; `index` counts digests. */
export function digestAt(bytes: Uint8Array, index: number): EventDigest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = index * DIGEST_BYTES;
  return { envelope: view.getUint32(at), data: view.getUint32(at + HALF_BYTES) };
}

export function putDigest(bytes: Uint8Array, index: number, { envelope, data }: EventDigest): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = index * DIGEST_BYTES;
  view.setUint32(at, envelope);
  view.setUint32(at + HALF_BYTES, data);
}
