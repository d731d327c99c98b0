import { ADMIN_RESULTS, adminAnswer, type AdminOp, type AdminRequestOf, type AdminResult } from '../../shared/contract/admin.ts';
import { OPERATORS_TENANT } from '../../shared/contract/system.ts';
import { ADMIN_SUBJECT } from '../../shared/contract/subjects.ts';
import { UPLINK_CALL_MS_MAX } from '../../shared/core/limits.ts';
import { describeError, log } from '../log.ts';
import { following } from '../uplink/following.ts';
import { uplinkOf } from '../uplink/pool.ts';
import type { AppContext, Caller } from './context.ts';
import { refuse } from './refused.ts';
import { within } from './time-bound.ts';

/** an Uplink answers within its own bound; this much more is for the way there */
const ADMIN_CALL_MS_MAX = UPLINK_CALL_MS_MAX + 1_000;
/** which Uplink: operators' questions are few, and belong to no session */
const PLACE = 'admin';

type Question<Op extends AdminOp> = Omit<AdminRequestOf<Op>, 'v' | 'op' | 'tenant' | 'actor' | 'correlationId' | 'answerByMs'>;

/** 403 without the scope. A service that acts for another does not hand its scope on. */
export function requireAdmin({ actor }: Caller): void {
  if (actor.admin !== true) throw refuse('forbidden', 'This needs a token with the scope admin.');
}

/** 403 also for who operates one tenant: figures, pauses and rebuilds are of all of them. */
export function requireOperator(caller: Caller): void {
  requireAdmin(caller);
  if (caller.tenant !== OPERATORS_TENANT) {
    throw refuse('forbidden', `This is of all tenants: it needs the scope admin in the tenant ${OPERATORS_TENANT}.`);
  }
}

/**
 * Asks the consumers for an operator: the edge itself never reads the stream. Throws what they refuse, and 503 unavailable when nobody
 * answers; whether something was done then is unknown, and asking again does no harm.
 */
export async function askAdmin<Op extends AdminOp>(
  c: AppContext,
  caller: Caller,
  op: Op,
  question: Question<Op>,
): Promise<AdminResult<Op>> {
  requireAdmin(caller);
  const { tenant, actor } = caller;
  const { correlationId } = c.var;
  const answerByMs = Date.now() + UPLINK_CALL_MS_MAX;
  const request = { v: 1, op, tenant, actor: actor.id, correlationId, answerByMs, ...question };
  const answer = adminAnswer.safeParse(await requested(c, tenant, JSON.stringify(request)));
  if (!answer.success) throw unanswered(correlationId, 'the answer is none');
  if (!answer.data.ok) throw refuse(answer.data.code, answer.data.detail);
  const result = ADMIN_RESULTS[op].safeParse(answer.data.result);
  if (answer.data.op !== op || !result.success) throw unanswered(correlationId, 'the answer is to another question');
  // the schema of this very question proved it; the compiler does not follow the index
  return result.data as AdminResult<Op>;
}

async function requested(c: AppContext, tenant: string, payload: string): Promise<unknown> {
  try {
    const uplink = following(uplinkOf(c.env, tenant, PLACE), c.var.traceparent);
    const outcome = await within(ADMIN_CALL_MS_MAX, uplink.request(ADMIN_SUBJECT, payload));
    if (outcome.ok) return JSON.parse(outcome.payload);
    throw new Error(outcome.error);
  } catch (error) {
    throw unanswered(c.var.correlationId, String(describeError(error)['error']));
  }
}

function unanswered(correlationId: string, cause: string) {
  log('warn', 'an operator could not be answered', { correlationId, cause });
  return refuse('unavailable', 'Nobody answers operators right now, or not in time.');
}
