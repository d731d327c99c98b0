import { QUERY_SEQS_MAX, type QueryAnswer, type QueryRequest } from '../../shared/contract/internal.ts';
import { QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import { REPAIR_SEQS_MAX } from '../../shared/core/limits.ts';
import type { SeqRange } from '../../shared/core/seq-ranges.ts';
import type { SessionIdentity } from './api.ts';
import type { RoomPorts } from './ports.ts';

export interface HeldByArchive {
  seqs: [number, number][];
  publishedAt: number;
  persistedAt: number;
}

/** Asks `query` which of these seqs the archive holds: as good as a receipt. Undefined: nobody could say. */
export async function askArchive(
  ports: RoomPorts,
  identity: SessionIdentity,
  missing: readonly SeqRange[],
): Promise<HeldByArchive | undefined> {
  const request: QueryRequest = {
    v: 1,
    op: 'held',
    tenant: identity.tenant,
    sessionId: identity.sessionId,
    ranges: firstSeqs(missing, REPAIR_SEQS_MAX),
  };
  try {
    const outcome = await ports.publisher.request(QUERY_SUBJECT, JSON.stringify(request));
    if (!outcome.ok) return undefined;
    const answer = JSON.parse(outcome.payload) as QueryAnswer;
    if (!answer.ok || answer.op !== 'held') return undefined;
    return { seqs: answer.ranges, publishedAt: answer.publishedAt, persistedAt: answer.persistedAt };
  } catch (error) {
    ports.log('warn', 'repair could not ask the archive', { error: String(error) });
    return undefined;
  }
}

/** The first so many seqs; the rest waits for the next question. */
function firstSeqs(ranges: readonly SeqRange[], countMax: number): [number, number][] {
  const first: [number, number][] = [];
  let left = countMax;
  for (const [from, to] of ranges.slice(0, QUERY_SEQS_MAX)) {
    if (left <= 0) break;
    const end = Math.min(to, from + left - 1);
    first.push([from, end]);
    left -= end - from + 1;
  }
  return first;
}
