import {
  compareHits,
  searchAnswer,
  type SearchAnswered,
  type SearchHit,
  type SearchPlace,
  type SearchRequest,
} from '../../shared/contract/search.ts';
import { SEARCH_SUBJECT } from '../../shared/contract/subjects.ts';
import { SEARCH_QUESTION_SESSIONS_MAX, SEARCH_TOTAL_MAX } from '../../shared/core/limits.ts';
import { log } from '../log.ts';
import { inLanes } from '../routes/in-lanes.ts';
import { refuse, type Refused } from '../routes/refused.ts';
import type { UplinkApi } from '../uplink/api.ts';
import { requested } from './store.ts';

/** questions of one search at the same time */
const QUESTIONS_AT_ONCE_MAX = 4;

/** What is looked for. */
export interface Sought {
  tenant: string;
  q: string;
  sessions: readonly string[];
  author?: string;
  sentAfterMs?: number;
  sentBeforeMs?: number;
}

export interface Hits {
  hits: SearchHit[];
  more: boolean;
  total: number;
  asOfMs: number;
}

/** The first hits behind a place, of all the sessions: each is in one of the questions, so what they answer is merged by place. */
export async function findHits(
  uplink: () => Pick<UplinkApi, 'request'>,
  sought: Sought,
  after: SearchPlace | undefined,
  limit: number,
): Promise<Hits> {
  const { sessions, ...rest } = sought;
  const questions = chunksOf(sessions).map((chunk): SearchRequest => {
    return { v: 2, ...rest, sessions: [...chunk], limit, ...(after === undefined ? {} : { after }) };
  });
  const answers = await inLanes(questions, async (question) => await ask(uplink(), question), QUESTIONS_AT_ONCE_MAX);
  const hits = answers.flatMap((answer) => answer.hits).toSorted(compareHits);
  return {
    hits: hits.slice(0, limit),
    more: hits.length > limit || answers.some(({ more }) => more),
    total: Math.min(
      SEARCH_TOTAL_MAX,
      answers.reduce((sum, { total }) => sum + total, 0),
    ),
    asOfMs: Math.min(...answers.map(({ asOfMs }) => asOfMs)),
  };
}

/** At least one: who has no sessions learns how far the index has come all the same. */
function chunksOf(sessions: readonly string[]): (readonly string[])[] {
  const count = Math.max(1, Math.ceil(sessions.length / SEARCH_QUESTION_SESSIONS_MAX));
  return Array.from({ length: count }, (_, at) => {
    return sessions.slice(at * SEARCH_QUESTION_SESSIONS_MAX, (at + 1) * SEARCH_QUESTION_SESSIONS_MAX);
  });
}

async function ask(uplink: Pick<UplinkApi, 'request'>, question: SearchRequest): Promise<Hits> {
  const outcome = await requested(uplink, SEARCH_SUBJECT, question);
  if (!outcome.ok) throw indexUnavailable(outcome.error);
  const answer = answerIn(outcome.payload);
  if (answer === undefined) throw indexUnavailable(`not an answer: ${outcome.payload.slice(0, 200)}`);
  if (!answer.ok && answer.code === 'invalid_request') throw refuse('invalid_request', answer.detail);
  if (!answer.ok) throw indexUnavailable(answer.detail);
  return answer;
}

function answerIn(payload: string): SearchAnswered | undefined {
  try {
    return searchAnswer.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}

function indexUnavailable(cause: string): Refused {
  log('warn', 'the search index could not be read', { cause });
  return refuse('unavailable', 'The search index cannot be read right now.');
}
