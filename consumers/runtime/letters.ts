import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { DEAD_LETTERS_STREAM, deadLetterSubject } from '../../shared/contract/subjects.ts';
import type { Fed } from './archive-feed.ts';
import type { DeadLetters } from './dead-letters.ts';
import { LETTER_HEADERS, ORIGINAL_PREFIX } from './letter-headers.ts';

/** Dead letters as a source of events, and as what an event need not become twice. */

/** A dead letter as its stream has it. */
export interface KeptLetter {
  position: number;
  atMs: number;
  headers: readonly (readonly [name: string, value: string])[];
  data: Uint8Array;
}

export interface LetterSource {
  /** the first letter of a consumer at or after a position, as the leader has it; undefined: there is none */
  next(consumer: string, from: number): Promise<KeptLetter | undefined>;
}

/** JetStream's own error code (nats-server errors.json) */
const NO_MESSAGE = 10037;
/** letters of a consumer that are remembered, the newest; an older one may come to be there twice, and says the same */
const KNOWN_MAX = 100_000;
const MESSAGE_ID = 'Nats-Msg-Id';
/** as dead-letters.ts makes it: a message that is buried once more, after its letter was removed, has a suffix */
const LETTER_ID = /^dead\.[^.]+\.(.+?)(?:\.after\.[0-9]+)?$/;

/** One request per letter: there are few, and a reading in one go may end early without a sign. */
export function jetStreamLetters(manager: JetStreamManager): LetterSource {
  return {
    async next(consumer, from) {
      const query = { seq: from, next_by_subj: deadLetterSubject(consumer) };
      const found = await manager.streams.getMessage(DEAD_LETTERS_STREAM, query).catch((error: unknown) => {
        if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return null;
        throw error;
      });
      if (found === null) return undefined;
      const { header, seq: position, time, data } = found;
      const headers = header.keys().flatMap((name) => header.values(name).map((value) => [name, value] as const));
      return { position, atMs: time.getTime(), headers, data };
    },
  };
}

/** The events that a consumer buried: they are in no archive. Of those stored from a time on (epoch milliseconds). */
export async function* buriedBy(source: LetterSource, consumer: string, fromMs: number): AsyncGenerator<Fed> {
  for await (const letter of lettersOf(source, consumer)) {
    const { position, atMs, data } = letter;
    if (atMs < fromMs) continue;
    yield {
      subject: headerOf(letter, LETTER_HEADERS.subject) ?? '',
      data,
      headers: originalHeaders(letter),
      publishedAtMs: atMs,
      storedId: storedIdOf(letter) ?? `letter.${position}.${atMs}`,
    };
  }
}

/** Lets an event become one dead letter, however often it is brought to a consumer. */
export function onceBuried(deadLetters: DeadLetters, source: LetterSource): DeadLetters {
  let known: Promise<Set<string>> | undefined;
  return {
    async store(letter) {
      known ??= namesOf(source, letter.consumer);
      const names = await known.catch((error: unknown) => {
        known = undefined;
        throw error;
      });
      const { headers, storedId } = letter.incoming;
      const eventId = headers.findLast(([name]) => name === MESSAGE_ID)?.[1];
      if (names.has(storedId) || (eventId !== undefined && names.has(eventId))) return;
      await deadLetters.store(letter);
      names.add(storedId);
      if (eventId !== undefined) names.add(eventId);
    },
  };
}

async function namesOf(source: LetterSource, consumer: string): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const letter of lettersOf(source, consumer)) {
    for (const name of [storedIdOf(letter), headerOf(letter, `${ORIGINAL_PREFIX}${MESSAGE_ID}`)]) {
      if (name !== undefined) names.add(name);
    }
    for (const oldest of names) {
      if (names.size <= KNOWN_MAX) break;
      names.delete(oldest);
    }
  }
  return names;
}

/** Those of a consumer, from a position on. */
export async function* lettersOf(source: LetterSource, consumer: string, from = 1): AsyncGenerator<KeptLetter> {
  for (let letter = await source.next(consumer, from); letter !== undefined;) {
    yield letter;
    letter = await source.next(consumer, letter.position + 1);
  }
}

/** The last of that name: the runtime's own stands behind whatever a publisher sent. */
export function headerOf({ headers }: Pick<KeptLetter, 'headers'>, name: string): string | undefined {
  return headers.findLast(([each]) => each === name)?.[1];
}

/** What the message was called that became this letter, in its own stream. */
export function storedIdOf(letter: Pick<KeptLetter, 'headers'>): string | undefined {
  return LETTER_ID.exec(headerOf(letter, MESSAGE_ID) ?? '')?.[1];
}

function originalHeaders({ headers }: KeptLetter): (readonly [string, string])[] {
  const ours = new Set<string>(Object.values(LETTER_HEADERS));
  return headers.flatMap(([name, value]): (readonly [string, string])[] => {
    if (name.startsWith(ORIGINAL_PREFIX)) return [[name.slice(ORIGINAL_PREFIX.length), value]];
    return ours.has(name) || name === MESSAGE_ID ? [] : [[name, value]];
  });
}
