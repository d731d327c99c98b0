import { receiptsRequest, type ReceiptsAnswer, type ReceiptsRequest } from '../../shared/contract/internal.ts';
import { readTraces, TRACES_HEADER, type TraceMark } from '../../shared/telemetry/trace-header.ts';
import type { Env } from '../env.ts';
import { describeError, log } from '../log.ts';
import type { AppContext } from './context.ts';
import { inLanes } from './in-lanes.ts';
import type { Route } from './route.ts';
import { readSigned } from './signed-call.ts';
import { sessionStub } from '../session/stub.ts';
import { within } from './time-bound.ts';

/** a session that takes longer is the sender's to tell again: it must not hold its lane */
const RECEIPT_MS_MAX = 2_000;
/** well below what the sender waits for an answer (15 s): without one it would repeat all of the call */
const RECEIPTS_MS_MAX = 8_000;

/** POST /internal/receipts: the consumers say what they stored (design decision 3). Signed; never for browsers. */
export const receiptRoutes: Route[] = [
  { method: 'POST', path: '/internal/receipts', access: 'configured', handle: takeReceipts },
];

async function takeReceipts(c: AppContext): Promise<Response> {
  return c.json(await handOut(c.env, await readSigned(c, receiptsRequest), readTraces(c.req.header(TRACES_HEADER))));
}

/**
 * A receipt that one session did not take in time is the sender's to send again; it holds up none of the others. Those not
 * reached within the bound of the call count as not taken. No retry here: the sender has one, and it is not in a hurry.
 */
async function handOut(env: Env, { receipts, embedded }: ReceiptsRequest, marks: readonly TraceMark[]): Promise<ReceiptsAnswer> {
  const failed: ReceiptsAnswer['failed'] = [];
  const untilMs = Date.now() + RECEIPTS_MS_MAX;
  await inLanes(receipts, async (receipt, index) => {
    const { tenant, sessionId } = receipt;
    const leftMs = untilMs - Date.now();
    if (leftMs <= 0) return void failed.push({ tenant, sessionId });
    try {
      const taking = sessionStub(env, { tenant, sessionId }).takeReceipt(
        receipt,
        embedded?.messages,
        marks.filter((mark) => mark.index === index),
      );
      await within(Math.min(RECEIPT_MS_MAX, leftMs), taking);
    } catch (error) {
      log('error', 'a session did not take its receipt', { tenant, sessionId, ...describeError(error) });
      failed.push({ tenant, sessionId });
    }
  });
  return { failed };
}
