import type { JetStreamClient } from '@nats-io/jetstream';
import { adminLogLine, type AdminLogLine, type AdminResult } from '../../shared/contract/admin.ts';
import { adminLogSubject } from '../../shared/contract/subjects.ts';
import type { Deadline } from './responder.ts';
import type { StoredMessage, StreamReader } from './stream-reader.ts';
import { walkBack } from './walk.ts';

const STORE_MS_MAX = 1_000;

/** Who asked for it: proved by the edge. */
export interface Operator {
  tenant: string;
  actor: string;
  correlationId: string;
}

/** What operators did: kept for 400 days, or as long as there is room. */
export interface AdminLog {
  /**
   * Resolves once the line is stored; what it tells of is done after that, so that nothing is done without a line. With `once`, which
   * names the deed, the same within two minutes is one line: of what can be done to its target but one time.
   */
  write(operator: Operator, deed: Pick<AdminLogLine, 'action' | 'target' | 'details'>, once?: string): Promise<void>;
}

export function jetStreamAdminLog(client: JetStreamClient, now: () => number): AdminLog {
  return {
    async write({ tenant, actor, correlationId }, { action, target, details }, once) {
      const line: AdminLogLine = { at: new Date(now()).toISOString(), tenant, actor, action, target, correlationId, details };
      await client.publish(adminLogSubject(tenant), JSON.stringify(line), {
        timeout: STORE_MS_MAX,
        ...(once === undefined ? {} : { msgID: once }),
      });
    },
  };
}

/** Newest first, of one tenant. */
export async function adminLogPage(
  lines: StreamReader,
  { tenant, before, limit }: { tenant: string; before?: number | undefined; limit: number },
  deadline: Deadline,
): Promise<AdminResult<'log.list'>> {
  const { found, next } = await walkBack(lines, { before, limit, subject: adminLogSubject(tenant), keep: () => true }, deadline);
  return { items: found.flatMap(lineOf), ...(next === undefined ? {} : { next }) };
}

/** What is no line was not written here: it is left out rather than shown as one. */
function lineOf({ data }: StoredMessage): AdminLogLine[] {
  try {
    const parsed = adminLogLine.safeParse(JSON.parse(new TextDecoder().decode(data)));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}
