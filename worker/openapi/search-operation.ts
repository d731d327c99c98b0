import {
  SEARCH_PAGE_DEFAULT,
  SEARCH_PAGE_MAX,
  SEARCH_QUERY_CODE_POINTS_MAX,
  SEARCH_TERMS_MAX,
} from '../../shared/core/limits.ts';
import { BOTH_KINDS, cursor, limit, time, type Operation, type QueryParameter } from './operation.ts';

const text = (name: string, description: string): QueryParameter => cursor(name, description);

/** GET /v1/search (contract §2). */
export const SEARCH_OPERATION: Operation = {
  method: 'get',
  path: '/v1/search',
  operationId: 'search.query',
  tag: 'Search',
  summary: "Messages of the caller's sessions, newest first",
  description:
    'A message is found when it has every word and every phrase. Case and accents do not count, words are reduced to their ' +
    'English stem, punctuation only separates; Chinese, Japanese and Korean are found by any part of a word, emoji by themselves. ' +
    'Only sessions that the caller is a member of are searched: of more than 50,000 those that were active last. Deleted messages ' +
    'are never found. Each hit is shown as its session has it now, so an edit that the index has not seen yet may show a message ' +
    'without a mark. Hits come by createdAt, newest first; nothing is skipped or repeated from page to page while others write, and ' +
    'what is new meanwhile is before the first page. `score` says how well a hit fits. `asOf` says how far the index has come. ' +
    `${BOTH_KINDS} 503 unavailable when the index cannot be read.`,
  query: [
    {
      name: 'q',
      description: `Words, and "phrases" in quotes: at most ${SEARCH_QUERY_CODE_POINTS_MAX} code points and ${SEARCH_TERMS_MAX} words.`,
      schema: { type: 'string', minLength: 1, maxLength: SEARCH_QUERY_CODE_POINTS_MAX },
      required: true,
    },
    text('sessionId', 'only in this session; one that the caller is not in has no hits'),
    text('author', 'only messages of this user'),
    time('sentAfter', 'only messages with a later createdAt'),
    time('sentBefore', 'only messages with an earlier createdAt'),
    cursor('cursor', 'nextCursor of the page before; of the same search'),
    limit(SEARCH_PAGE_MAX, SEARCH_PAGE_DEFAULT),
  ],
  status: 200,
  answer: 'SearchPage',
  problems: ['invalid_request', 'session_not_found'],
};
