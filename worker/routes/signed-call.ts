import { z } from 'zod';
import { SIGNATURE_AGE_MS_MAX, SIGNATURE_HEADER, TIMESTAMP_HEADER } from '../../shared/contract/internal.ts';
import { invalid } from '../../shared/contract/parse.ts';
import { BODY_BYTES_MAX } from '../../shared/core/limits.ts';
import type { AppContext } from './context.ts';
import { decode, parseJson, readBytes } from './read-body.ts';
import { Refused, refuse } from './refused.ts';

/**
 * The body of a call that a consumer signed. The time stamp bounds how long one that was listened in on may be repeated; within
 * that time a repetition does nothing new: what such calls ask for is idempotent, by ranges of seqs, keys or indexes.
 * Throws unauthenticated, invalid_request or payload_too_large.
 */
export async function readSigned<T>(c: AppContext, schema: z.ZodType<T>, bytesMax: number = BODY_BYTES_MAX): Promise<T> {
  const body = await readBytes(c.req.raw, bytesMax);
  const { INTERNAL_SECRET = '', INTERNAL_SECRET_OLD = '' } = c.env;
  const by = async (secret: string): Promise<boolean> => await isSigned(secret, c.req.raw.headers, body, Date.now());
  if (!(await by(INTERNAL_SECRET)) && (INTERNAL_SECRET_OLD === '' || !(await by(INTERNAL_SECRET_OLD)))) {
    throw refuse('unauthenticated', 'The call is not signed, or too long ago.');
  }
  const parsed = schema.safeParse(parseJson(decode(body)));
  if (!parsed.success) throw new Refused(invalid(parsed.error).refusal);
  return parsed.data;
}

/** WebCrypto compares in constant time. What was signed is the timestamp, a dot, and the very bytes of the body. */
async function isSigned(secret: string, headers: Headers, body: Uint8Array, nowMs: number): Promise<boolean> {
  const timestamp = headers.get(TIMESTAMP_HEADER) ?? '';
  const signature = headers.get(SIGNATURE_HEADER) ?? '';
  if (!/^[0-9]{1,16}$/.test(timestamp) || !z.hash('sha256').safeParse(signature.toLowerCase()).success) return false;
  if (Math.abs(nowMs - Number(timestamp)) > SIGNATURE_AGE_MS_MAX) return false;
  const encoder = new TextEncoder();
  const prefix = encoder.encode(`${timestamp}.`);
  const signed = new Uint8Array(prefix.byteLength + body.byteLength);
  signed.set(prefix);
  signed.set(body, prefix.byteLength);
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['verify']);
  return crypto.subtle.verify('HMAC', key, bytesOfHex(signature), signed);
}

function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
