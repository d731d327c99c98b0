import type { DeadLetterAnswer } from '../../shared/contract/admin.ts';
import { SEQ_MAX } from '../../shared/core/limits.ts';
import { LETTER_HEADERS } from '../runtime/letter-headers.ts';
import { originalSubject, ownerOf, tenantOf } from '../runtime/letter-owner.ts';
import { headerOf } from '../runtime/letters.ts';
import type { StoredMessage } from './stream-reader.ts';

/** A message of MILLRACE_DEAD_LETTERS. */
export type StoredLetter = StoredMessage;

/**
 * Names one letter for good: sequences begin anew with a stream that is made again, and an operator who discards what was on the
 * screen must not meet another letter.
 */
export function letterId({ position, atMs }: Pick<StoredLetter, 'position' | 'atMs'>): string {
  return `${position}-${atMs.toString(36)}`;
}

/** The position that an id speaks of; undefined when no letter ever had such an id. */
export function positionOf(id: string): number | undefined {
  const digits = /^([1-9][0-9]{0,15})-[0-9a-z]{1,11}$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function consumerOf({ subject }: StoredLetter): string {
  return subject.split('.').at(-1) ?? '';
}

export function isCommand(letter: StoredLetter): boolean {
  return originalSubject(letter).startsWith('millrace.commands.');
}

export function isOf(letter: StoredLetter, tenant: string): boolean {
  return tenantOf(letter) === tenant;
}

/** What a payload says of itself, as far as it can be read: members of an event (contract §3) or of a command (§5). */
export interface Said {
  seq?: number;
  eventId?: string;
  commandId?: string;
  correlationId?: string;
}

export function letterAnswer(letter: StoredLetter): DeadLetterAnswer {
  return {
    id: letterId(letter),
    consumer: consumerOf(letter),
    reason: headerOf(letter, LETTER_HEADERS.reason) ?? '',
    error: headerOf(letter, LETTER_HEADERS.error) ?? '',
    attempts: count(headerOf(letter, LETTER_HEADERS.attempts)),
    subject: originalSubject(letter),
    streamSeq: count(headerOf(letter, LETTER_HEADERS.streamSeq)),
    firstFailedAt: new Date(timeOf(letter, [LETTER_HEADERS.firstFailedAt])).toISOString(),
    at: new Date(letter.atMs).toISOString(),
    ...ownerOf(letter),
    ...saidBy(letter, letter.data),
    ...text('correlationId', headerOf(letter, LETTER_HEADERS.correlationId)),
    bytes: count(headerOf(letter, LETTER_HEADERS.payloadBytes)) || letter.bytes,
  };
}

/** `data` is the original's payload: the letter's own may be cut. */
export function saidBy(letter: StoredLetter, data: Uint8Array): Said {
  const value = jsonOf(data);
  if (value === undefined) return {};
  if (isCommand(letter)) return { ...text('commandId', value['commandId']), ...text('correlationId', value['correlationId']) };
  const { seq } = value;
  return {
    ...(typeof seq === 'number' && Number.isInteger(seq) && seq >= 1 && seq <= SEQ_MAX ? { seq } : {}),
    ...text('eventId', value['id']),
    ...text('commandId', value['causationid']),
    ...text('correlationId', value['correlationid']),
  };
}

function jsonOf(data: Uint8Array): Record<string, unknown> | undefined {
  if (data.length === 0) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    return value !== null && typeof value === 'object' ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const ID_CHARS_MAX = 128;

function text<Name extends string>(name: Name, value: unknown): { [N in Name]?: string } {
  // a computed name widens to an index signature, though it is this one name
  return typeof value === 'string' && value.length <= ID_CHARS_MAX ? ({ [name]: value } as { [N in Name]: string }) : {};
}

export function count(value: string | undefined): number {
  return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : 0;
}

/** Epoch milliseconds of the first of these headers that is there and is a time. */
export function timeOf(letter: StoredLetter, names: readonly string[]): number {
  const times = names.map((name) => Date.parse(headerOf(letter, name) ?? ''));
  return times.find((ms) => !Number.isNaN(ms)) ?? letter.atMs;
}
