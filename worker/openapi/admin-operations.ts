import { z } from 'zod';
import {
  ADMIN_LOG_PAGE_DEFAULT,
  ADMIN_LOG_PAGE_MAX,
  LETTERS_PAGE_DEFAULT,
  LETTERS_PAGE_MAX,
  redriveBody,
  REDRIVES_DEFAULT,
} from '../../shared/contract/admin.ts';
import type { ErrorCode } from '../../shared/core/codes.ts';
import { ANALYTICS_QUERIES, ANALYTICS_STEPS } from '../../shared/contract/analytics.ts';
import { cursor, limit, time, type Operation } from './operation.ts';

const OWN =
  "Needs the scope `admin`; what is shown and done is of the token's tenant. Letters that name no tenant are of `default`.";
const TWICE = 'Asking twice does no harm: a letter that is gone is 404, and its effect there once.';
const PROBLEMS_OF_BODIES: ErrorCode[] = ['payload_too_large', 'unsupported_media_type'];

const { $schema: _, ...REDRIVE_BODY } = z.toJSONSchema(redriveBody, { io: 'input' });

/** For who operates (contract §8). */
export const ADMIN_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/admin/dead-letters',
    operationId: 'deadLetters.list',
    tag: 'Admin',
    summary: 'Events that a consumer could not take and commands that were refused, newest first',
    description: `${OWN} A page may be shorter than limit, or empty: only nextCursor says that there may be more.`,
    query: [
      cursor('consumer', 'of one consumer only'),
      cursor('cursor', 'nextCursor of the page before'),
      limit(LETTERS_PAGE_MAX, LETTERS_PAGE_DEFAULT),
    ],
    status: 200,
    answer: 'DeadLettersPage',
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/admin/dead-letters/{id}',
    operationId: 'deadLetters.get',
    tag: 'Admin',
    summary: 'A dead letter, with its headers and its payload',
    description: `${OWN} A payload above 256 KiB is cut, and says so.`,
    status: 200,
    answer: 'DeadLetter',
    problems: ['not_found'],
  },
  {
    method: 'post',
    path: '/v1/admin/dead-letters/{id}/redrive',
    operationId: 'deadLetters.redrive',
    tag: 'Admin',
    summary: 'Gives it to its consumer once more; when that has taken it, the letter goes',
    description:
      `${OWN} An event goes to the consumer that buried it and to no other, as the session has it now: what was erased meanwhile comes ` +
      'erased. A refused command is given to its session once more, with its idempotency key. 409: it fails as before, or cannot be redriven; 503: the ' +
      `consumer, its store or the session is away. The letter stays in both cases. ${TWICE}`,
    status: 200,
    answer: 'Redriven',
    problems: ['not_found', 'conflict', ...PROBLEMS_OF_BODIES],
  },
  {
    method: 'post',
    path: '/v1/admin/dead-letters/{id}/discard',
    operationId: 'deadLetters.discard',
    tag: 'Admin',
    summary: 'Removes it for good, once the log has a line that says who did',
    description: `${OWN} Its command stays \`failed\`, its event readable in the session. ${TWICE}`,
    status: 200,
    answer: 'Discarded',
    problems: ['not_found', ...PROBLEMS_OF_BODIES],
  },
  {
    method: 'post',
    path: '/v1/admin/dead-letters/redrive',
    operationId: 'deadLetters.redriveAll',
    tag: 'Admin',
    summary: 'Redrives all that fit every field of the body, oldest first',
    description:
      `${OWN} {} means all. One call works for at most 2 s, and on at most limit (${REDRIVES_DEFAULT}) letters; while there is a nextCursor, ` +
      'call again with it as cursor. One that fails stays, with its reason, and holds up nobody. `dryRun` changes nothing and says what each would be.',
    body: REDRIVE_BODY,
    status: 200,
    answer: 'RedriveReport',
    problems: PROBLEMS_OF_BODIES,
  },
  {
    method: 'get',
    path: '/v1/admin/audit/sessions/{s}',
    operationId: 'audit.session',
    tag: 'Admin',
    summary: 'Compares what the edge accepted of a session with stream, archive and read models',
    description: `${OWN} Changes nothing. Only what two looks find alike is a finding. For large sessions, and for repairs: \`npm run audit\`.`,
    status: 200,
    answer: 'SessionAudit',
    problems: ['session_not_found'],
  },
  {
    method: 'get',
    path: '/v1/admin/log',
    operationId: 'adminLog.list',
    tag: 'Admin',
    summary: 'What operators did, newest first',
    description: `${OWN} Kept for 400 days.`,
    query: [cursor('cursor', 'nextCursor of the page before'), limit(ADMIN_LOG_PAGE_MAX, ADMIN_LOG_PAGE_DEFAULT)],
    status: 200,
    answer: 'AdminLogPage',
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/admin/analytics/{query}',
    operationId: 'analytics.query',
    tag: 'Admin',
    summary: 'Figures per step of time',
    description:
      `${OWN} \`query\` is one of ${ANALYTICS_QUERIES.join(', ')}. Steps are aligned to UTC, and \`from\` and \`to\` widened to whole ` +
      'ones; one in which nothing happened has zeros. Figures follow within seconds; redelivery and rebuild change none.',
    query: [
      time('from', 'the first step holds it; a day before `to` when left out'),
      time('to', 'the last step ends at it or behind it; now when left out'),
      { name: 'step', description: 'how long a step is', schema: { type: 'string', enum: ANALYTICS_STEPS, default: 'hour' } },
    ],
    status: 200,
    answer: 'AnalyticsPage',
    problems: ['not_found'],
  },
];
