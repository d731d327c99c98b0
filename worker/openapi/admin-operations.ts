import { LETTERS_PAGE_DEFAULT, LETTERS_PAGE_MAX } from '../../shared/contract/admin.ts';
import { cursor, limit, type Operation } from './operation.ts';

const OWN = "Needs the scope `admin`; what is shown and done is of the token's tenant.";

/** For who operates (contract §8). */
export const ADMIN_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/admin/dead-letters',
    operationId: 'deadLetters.list',
    tag: 'Admin',
    summary: 'Events that a consumer could not take and commands that were refused, newest first',
    description: `${OWN} Letters that name no tenant are shown to \`default\`. A page may be shorter than limit, or empty: only nextCursor says that there may be more.`,
    query: [
      cursor('consumer', 'of one consumer only'),
      cursor('cursor', 'nextCursor of the page before'),
      limit(LETTERS_PAGE_MAX, LETTERS_PAGE_DEFAULT),
    ],
    status: 200,
    answer: 'DeadLettersPage',
    problems: [],
  },
];
