import type { ErrorCode } from '../../shared/core/codes.ts';
import type { AnswerName } from './answer-schemas.ts';

export interface QueryParameter {
  name: string;
  description: string;
  schema: object;
  required?: boolean;
}

/** An operation that is not a command. */
export interface Operation {
  method: 'get' | 'post';
  path: string;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  query?: QueryParameter[];
  headers?: QueryParameter[];
  /** of the JSON body, which may be left out */
  body?: object;
  status: number;
  answer?: AnswerName;
  /** a body that is no JSON of the answers' */
  mediaType?: string;
  /** a media type that it answers in besides, when asked for */
  alsoAs?: string;
  /** beyond those that every call of its kind has */
  problems: ErrorCode[];
  open?: boolean;
}

export const cursor = (name: string, description: string): QueryParameter => ({ name, description, schema: { type: 'string' } });
export const time = (name: string, description: string): QueryParameter => ({
  name,
  description,
  schema: { type: 'string', format: 'date-time' },
});
export const whole = (name: string, description: string, minimum: number, maximum: number, absent: number): QueryParameter => ({
  name,
  description,
  schema: { type: 'integer', minimum, maximum, default: absent },
});
export const limit = (max: number, absent: number) => whole('limit', 'How many at most; a page may be shorter.', 1, max, absent);

export const BOTH_KINDS = 'A page may be shorter than limit (at most 512 KiB): only nextCursor says that there is more.';
