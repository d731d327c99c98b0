import { z } from 'zod';
import { ID_PATTERN, USER_ID_PATTERN } from '../core/ids.ts';
import {
  DESCRIPTION_CODE_POINTS_MAX,
  MENTIONS_MAX,
  METADATA_BYTES_MAX,
  METADATA_LEVELS_MAX,
  SEQ_MAX,
  STREAM_IDLE_MS_MAX,
  STREAM_IDLE_MS_MIN,
  TEXT_CODE_POINTS_MAX,
  TITLE_CODE_POINTS_MAX,
} from '../core/limits.ts';
import { codePoints, hasLoneSurrogate, isBlank, utf8Bytes } from '../core/text.ts';
import type { ErrorCode } from '../core/codes.ts';
import type { Metadata } from '../core/types.ts';

/** Fields that several schemas share. A custom issue may carry the code of the catalogue it stands for. */

function issue(message: string, code?: ErrorCode) {
  return { code: 'custom' as const, message, ...(code === undefined ? {} : { params: { code } }) };
}

function noLoneSurrogate(value: string, context: z.RefinementCtx): void {
  if (hasLoneSurrogate(value)) context.addIssue(issue('must not contain lone surrogates'));
}

function boundedText(min: number, max: number) {
  return z.string().superRefine((value, context) => {
    const length = codePoints(value, max);
    if (length < min || length > max) context.addIssue(issue(`must have ${min} to ${max} code points`));
    else noLoneSurrogate(value, context);
  });
}

export const id = z.string().regex(ID_PATTERN, 'must be 1 to 64 characters of A–Z a–z 0–9 _ -');
export const userId = z.string().regex(USER_ID_PATTERN, 'must be 1 to 128 printable ASCII characters without / and space');
export const title = boundedText(1, TITLE_CODE_POINTS_MAX).meta({ minLength: 1, maxLength: TITLE_CODE_POINTS_MAX });
export const description = boundedText(0, DESCRIPTION_CODE_POINTS_MAX).meta({ maxLength: DESCRIPTION_CODE_POINTS_MAX });
export const shortText = boundedText(1, TITLE_CODE_POINTS_MAX).meta({ minLength: 1, maxLength: TITLE_CODE_POINTS_MAX });
export const seq = z.int().min(0).max(SEQ_MAX);
export const visibility = z.enum(['private', 'public']);
export const memberRole = z.enum(['owner', 'member', 'viewer']);
export const messageRole = z.enum(['user', 'assistant', 'system', 'tool']);
/** Years that RFC 3339 can write: an offset can carry a valid local time out of them in UTC. */
const YEAR_0000_MS = Date.parse('0000-01-01T00:00:00Z');
const YEAR_10000_MS = Date.parse('+010000-01-01T00:00:00Z');
export const rfc3339 = z.iso.datetime({ offset: true }).refine((value) => {
  const ms = Date.parse(value);
  return ms >= YEAR_0000_MS && ms < YEAR_10000_MS;
}, 'must be within the years 0000 to 9999 in UTC');

/** 1–50,000 code points, not only white space, kept exactly as it came. */
export const text = z
  .string()
  .superRefine((value, context) => {
    if (codePoints(value, TEXT_CODE_POINTS_MAX) > TEXT_CODE_POINTS_MAX) {
      context.addIssue(issue(`must have at most ${TEXT_CODE_POINTS_MAX} code points`, 'message_too_long'));
    } else if (isBlank(value)) context.addIssue(issue('must not be only white space', 'message_empty'));
    else noLoneSurrogate(value, context);
  })
  .meta({ minLength: 1, maxLength: TEXT_CODE_POINTS_MAX });

function streamText(min: number) {
  return z
    .string()
    .superRefine((value, context) => {
      if (codePoints(value, TEXT_CODE_POINTS_MAX) > TEXT_CODE_POINTS_MAX) {
        context.addIssue(issue(`must have at most ${TEXT_CODE_POINTS_MAX} code points`, 'message_too_long'));
      } else if (value.length < min) context.addIssue(issue('must not be empty'));
      else noLoneSurrogate(value, context);
    })
    .meta({ minLength: min, maxLength: TEXT_CODE_POINTS_MAX });
}

/** 1–50,000 code points of a message to be, white space too. A surrogate pair is never cut in two: each chunk is sound alone. */
export const chunkText = streamText(1);
/** The whole text of a stream: whether it may be empty is for the status to say. */
export const finalText = streamText(0);
export const chunkIndex = z
  .int()
  .min(0)
  .max(TEXT_CODE_POINTS_MAX - 1);
export const idleTimeoutMs = z.int().min(STREAM_IDLE_MS_MIN).max(STREAM_IDLE_MS_MAX);

/** JSON.stringify writes a lone surrogate as an escape of its own; the backslashes before it tell it from text that looks like one. */
const LONE_SURROGATE_ESCAPE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** What is wrong with a value's structure. Layer by layer, for a body of 1 MiB nests deeper than the runtime's stack. */
function structuralFault(value: unknown, levels: number): string | undefined {
  let layer = [value];
  for (let depth = 1; layer.length > 0; depth += 1) {
    if (depth > levels) return `must nest at most ${levels} levels deep`;
    layer = layer.flatMap((each): unknown[] => (typeof each === 'object' && each !== null ? Object.values(each) : []));
    // JSON reads 1e400 as Infinity and would write it back as null: a change that nobody asked for
    if (layer.some((each) => typeof each === 'number' && !Number.isFinite(each)))
      return 'must not contain numbers beyond a double';
    layer = layer.filter((each) => typeof each === 'object' && each !== null);
  }
  return undefined;
}

/** Any JSON object of at most 8 KiB as UTF-8. */
export const metadata: z.ZodType<Metadata> = z
  .custom<Metadata>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'must be an object')
  .superRefine((value, context) => {
    const fault = structuralFault(value, METADATA_LEVELS_MAX);
    if (fault !== undefined) {
      context.addIssue(issue(fault));
      return;
    }
    const json = JSON.stringify(value);
    if (utf8Bytes(json) > METADATA_BYTES_MAX) context.addIssue(issue(`must be at most ${METADATA_BYTES_MAX} bytes of JSON`));
    else if (LONE_SURROGATE_ESCAPE.test(json)) context.addIssue(issue('must not contain lone surrogates'));
  })
  .meta({ type: 'object', description: `A JSON object of at most ${METADATA_BYTES_MAX} bytes as UTF-8.` });

export const mentions = z.array(userId).max(MENTIONS_MAX);
export const empty = z.strictObject({});
