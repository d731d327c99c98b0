export { Operator, type AdminActions, type AdminQueries, type AnalyticsSpan } from './operator.ts';
export { EMPTY_POLL, Poll, type PollOptions, type PollSnapshot } from './poll.ts';
export type * from './wire.ts';
export type { MillraceError } from '../error.ts';
export type { GivenToken, MillraceOptions } from '../environment.ts';
