import { QUERY_SEQS_MAX, type InStreamAnswer, type QueryAnswer, type QueryRequest } from '../../shared/contract/internal.ts';
import { QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import type { SeqRange } from '../../shared/core/seq-ranges.ts';
import type { SessionIdentity } from './api.ts';
import type { RoomPorts } from './ports.ts';

export interface HeldByArchive {
  ranges: [number, number][];
  publishedAt: number;
  persistedAt: number;
}

/** What the edge asks `query` about its own events; it reads neither store nor stream itself. Undefined: nobody could say. */
export class RepairQuestions {
  readonly #ports: RoomPorts;
  readonly #identity: SessionIdentity;
  #complaint = '';

  constructor(ports: RoomPorts, identity: SessionIdentity) {
    this.#ports = ports;
    this.#identity = { tenant: identity.tenant, sessionId: identity.sessionId };
  }

  /** Which of these seqs the archive holds: as good as a receipt. */
  async archive(ranges: readonly SeqRange[]): Promise<HeldByArchive | undefined> {
    const answer = await this.#ask({
      v: 1,
      op: 'held',
      ...this.#identity,
      ranges: ranges.map(([from, to]): [number, number] => [from, to]),
    });
    return answer?.op === 'held' ? answer : undefined;
  }

  /** Whether the stream still holds these events, that the archive does not. */
  async stream(
    events: { seq: number; id: string }[],
    where: { from?: number; created?: string },
  ): Promise<InStreamAnswer | undefined> {
    const answer = await this.#ask({ v: 1, op: 'inStream', ...this.#identity, events, ...where });
    return answer?.op === 'inStream' ? answer : undefined;
  }

  async #ask(request: QueryRequest): Promise<Extract<QueryAnswer, { ok: true }> | undefined> {
    try {
      const outcome = await this.#ports.publisher.request(QUERY_SUBJECT, JSON.stringify(request));
      if (!outcome.ok) return this.#complain(request, outcome.error);
      const answer = JSON.parse(outcome.payload) as QueryAnswer;
      if (!answer.ok) return this.#complain(request, `${answer.code}: ${answer.detail}`);
      this.#complaint = '';
      return answer;
    } catch (error) {
      return this.#complain(request, String(error));
    }
  }

  /** Once per reason: every session asks, and an outage may be long. */
  #complain({ op }: QueryRequest, error: string): undefined {
    const complaint = `${op} ${error}`;
    if (complaint !== this.#complaint) this.#ports.log('info', 'repair could not ask', { op, error });
    this.#complaint = complaint;
    return undefined;
  }
}

/** The first so many seqs; the rest waits for the next question. */
export function firstSeqs(ranges: readonly SeqRange[], countMax: number): SeqRange[] {
  const first: SeqRange[] = [];
  let left = countMax;
  for (const [from, to] of ranges.slice(0, QUERY_SEQS_MAX)) {
    if (left <= 0) break;
    const end = Math.min(to, from + left - 1);
    first.push([from, end]);
    left -= end - from + 1;
  }
  return first;
}
