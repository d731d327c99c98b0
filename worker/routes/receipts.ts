import { z } from 'zod';
import {
  receiptsRequest,
  SIGNATURE_AGE_MS_MAX,
  SIGNATURE_HEADER,
  TIMESTAMP_HEADER,
  type ReceiptsAnswer,
  type ReceiptsRequest,
} from '../../shared/contract/internal.ts';
import { invalid } from '../../shared/contract/parse.ts';
import type { Env } from '../env.ts';
import { describeError, log } from '../log.ts';
import type { AppContext } from './context.ts';
import { decode, parseJson, readBytes } from './read-body.ts';
import { Refused, refuse } from './refused.ts';
import type { Route } from './route.ts';
import { sessionStub } from '../session/stub.ts';
import { within } from './time-bound.ts';

/** sessions told at the same time: the platform opens no more connections at once */
const RECEIPTS_AT_ONCE_MAX = 6;
/** a session that takes longer is the sender's to tell again: it must not hold its lane */
const RECEIPT_MS_MAX = 2_000;
/** well below what the sender waits for an answer (15 s): without one it would repeat all of the call */
const RECEIPTS_MS_MAX = 8_000;

/** POST /internal/receipts: the consumers say what they stored (design decision 3). Signed; never for browsers. */
export const receiptRoutes: Route[] = [
  { method: 'POST', path: '/internal/receipts', access: 'configured', handle: takeReceipts },
];

async function takeReceipts(c: AppContext): Promise<Response> {
  const body = await readBytes(c.req.raw);
  if (!(await isSigned(c.env.INTERNAL_SECRET ?? '', c.req.raw.headers, body, Date.now()))) {
    throw refuse('unauthenticated', 'The call is not signed, or too long ago.');
  }
  const parsed = receiptsRequest.safeParse(parseJson(decode(body)));
  if (!parsed.success) throw new Refused(invalid(parsed.error).refusal);
  return c.json(await handOut(c.env, parsed.data));
}

/** WebCrypto compares in constant time. What was signed is the timestamp, a dot, and the very bytes of the body. */
export async function isSigned(secret: string, headers: Headers, body: Uint8Array, nowMs: number): Promise<boolean> {
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

/**
 * A receipt that one session did not take in time is the sender's to send again; it holds up none of the others. Those not
 * reached within the bound of the call count as not taken. No retry here: the sender has one, and it is not in a hurry.
 */
async function handOut(env: Env, { receipts, embedded }: ReceiptsRequest): Promise<ReceiptsAnswer> {
  const failed: ReceiptsAnswer['failed'] = [];
  const untilMs = Date.now() + RECEIPTS_MS_MAX;
  const waiting = receipts.values();
  const takeNext = async (): Promise<void> => {
    // the iterator is shared: each receipt is taken by one of the lanes
    for (const receipt of waiting) {
      const { tenant, sessionId } = receipt;
      const leftMs = untilMs - Date.now();
      if (leftMs <= 0) {
        failed.push({ tenant, sessionId });
        continue;
      }
      try {
        const taking = sessionStub(env, { tenant, sessionId }).takeReceipt(receipt, embedded?.messages);
        await within(Math.min(RECEIPT_MS_MAX, leftMs), taking);
      } catch (error) {
        log('error', 'a session did not take its receipt', { tenant, sessionId, ...describeError(error) });
        failed.push({ tenant, sessionId });
      }
    }
  };
  await Promise.all(Array.from({ length: RECEIPTS_AT_ONCE_MAX }, takeNext));
  return { failed };
}
