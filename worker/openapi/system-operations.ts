import { z } from 'zod';
import { OPERATORS_TENANT, pauseBody } from '../../shared/contract/system.ts';
import type { ErrorCode } from '../../shared/core/codes.ts';
import type { Operation } from './operation.ts';

const OF_ALL = `Needs the scope \`admin\` in the tenant \`${OPERATORS_TENANT}\`: what is shown and done is of all tenants.`;
const PROBLEMS_OF_BODIES: ErrorCode[] = ['payload_too_large', 'unsupported_media_type'];

const { $schema: _, ...PAUSE_BODY } = z.toJSONSchema(pauseBody, { io: 'input' });

/** For who operates the whole system (contract §8). */
export const SYSTEM_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/admin/overview',
    operationId: 'overview.get',
    tag: 'Admin',
    summary: 'All parts of the system: what is up, what is late, what is full',
    description:
      `${OF_ALL} Answered also while parts are down, NATS among them: what nobody answers for has the status \`unknown\`, and its items ` +
      'say nothing then. A consumer that somebody paused does not make the system degraded.',
    status: 200,
    answer: 'Overview',
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/admin/consumers',
    operationId: 'consumers.list',
    tag: 'Admin',
    summary: 'How far each consumer is, how fast, and who works on it',
    description: OF_ALL,
    status: 200,
    answer: 'ConsumersPage',
    problems: [],
  },
  {
    method: 'post',
    path: '/v1/admin/consumers/{name}/pause',
    operationId: 'consumers.pause',
    tag: 'Admin',
    summary: 'Gives a consumer nothing more until it is resumed, or until a time',
    description:
      `${OF_ALL} What its workers have in hand they finish. It lasts over restarts of workers and servers, and ends by itself at \`until\`, ` +
      'after 7 days at most. Asking twice changes nothing, and another `until` moves its end.',
    body: PAUSE_BODY,
    status: 200,
    answer: 'PauseState',
    problems: ['not_found', ...PROBLEMS_OF_BODIES],
  },
  {
    method: 'post',
    path: '/v1/admin/consumers/{name}/resume',
    operationId: 'consumers.resume',
    tag: 'Admin',
    summary: 'Ends a pause',
    description: `${OF_ALL} One that is not paused stays as it is.`,
    status: 200,
    answer: 'PauseState',
    problems: ['not_found', ...PROBLEMS_OF_BODIES],
  },
  {
    method: 'post',
    path: '/v1/admin/consumers/{name}/rebuild',
    operationId: 'consumers.rebuild',
    tag: 'Admin',
    summary: 'Makes a read model anew from the archive and the stream, while the old one serves',
    description:
      `${OF_ALL} The answer comes once it has begun; how far it is, \`GET /v1/admin/consumers\` and the overview say. 409: it is being ` +
      'rebuilt already, or keeps nothing that could be rebuilt. One that is given up, also by a restart, leaves everything as it was.',
    status: 202,
    answer: 'Rebuild',
    problems: ['not_found', 'conflict', ...PROBLEMS_OF_BODIES],
  },
];
