import { consumerName } from '../../shared/contract/admin.ts';
import { PAUSE_MS_MAX, pauseBody, type BackOverview, type Overview } from '../../shared/contract/system.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { misconfiguration } from '../middleware/configuration.ts';
import { bodyOf, noFields, type Asked } from './admin-asked.ts';
import { askAdmin, requireOperator } from './ask-admin.ts';
import { refuse, Refused } from './refused.ts';
import { uplinkStates } from './uplink-states.ts';

/** What operators see of the whole system, and what they do to its consumers (contract §8). */

/** GET /v1/admin/overview: always an answer, however much is down: what nobody answers for is said to be unknown. */
export async function showOverview({ c, caller }: Asked): Promise<object> {
  requireOperator(caller);
  const asked = askAdmin(c, caller, 'overview', {}).catch((error: unknown): BackOverview => {
    if (error instanceof Refused) return NOT_KNOWN;
    throw error;
  });
  const [back, uplinks] = await Promise.all([asked, uplinkStates(c.env)]);
  const edge = { status: misconfiguration(c.env) === undefined ? 'up' : 'down' } as const;
  const isWell = edge.status === 'up' && uplinks.every(({ status }) => status === 'up') && isBackWell(back);
  const shown: Overview = { at: rfc3339(Date.now()), status: isWell ? 'ok' : 'degraded', edge, uplinks, ...back };
  return shown;
}

const UNKNOWN = { status: 'unknown' as const, items: [] };
const NOT_KNOWN: BackOverview = {
  streams: UNKNOWN,
  consumers: UNKNOWN,
  stores: UNKNOWN,
  roles: UNKNOWN,
  deadLetters: UNKNOWN,
  rebuilds: UNKNOWN,
};

function isBackWell({ streams, consumers, stores, roles, deadLetters, rebuilds }: BackOverview): boolean {
  const parts = [streams, consumers, stores, roles];
  return (
    parts.every(({ status, items }) => status === 'ok' && items.every((item) => item.status === 'up')) &&
    [deadLetters, rebuilds].every(({ status }) => status === 'ok')
  );
}

export async function listConsumers({ c, caller }: Asked): Promise<object> {
  requireOperator(caller);
  return await askAdmin(c, caller, 'consumers.list', {});
}

export async function pauseConsumer(asked: Asked): Promise<object> {
  const { c, caller } = asked;
  requireOperator(caller);
  const name = nameOf(asked);
  const { until } = await bodyOf(asked, pauseBody);
  if (until === undefined) return await askAdmin(c, caller, 'consumers.pause', { name });
  const untilMs = Date.parse(until);
  if (untilMs <= Date.now() || untilMs > Date.now() + PAUSE_MS_MAX) {
    throw refuse('invalid_request', 'until must be a time within the next 7 days.');
  }
  return await askAdmin(c, caller, 'consumers.pause', { name, untilMs });
}

export async function resumeConsumer(asked: Asked): Promise<object> {
  return await change(asked, 'consumers.resume');
}

export async function rebuildConsumer(asked: Asked): Promise<object> {
  return await change(asked, 'consumers.rebuild');
}

async function change(asked: Asked, op: 'consumers.resume' | 'consumers.rebuild'): Promise<object> {
  const { c, caller } = asked;
  requireOperator(caller);
  const name = nameOf(asked);
  await bodyOf(asked, noFields);
  return await askAdmin(c, caller, op, { name });
}

/** One that cannot exist is one that does not. */
function nameOf({ params }: Asked): string {
  const name = params['name'] ?? '';
  if (!consumerName.safeParse(name).success) throw refuse('not_found', 'There is no such consumer.');
  return name;
}
