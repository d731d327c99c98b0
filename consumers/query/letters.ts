import type { Failure } from '../../shared/contract/internal.ts';
import { failureDetail } from '../receipts/failure-detail.ts';
import { LETTER_HEADERS, ORIGINAL_PREFIX } from '../runtime/letter-headers.ts';
import { headerOf, type KeptLetter, type LetterSource } from '../runtime/letters.ts';
import type { DeadLettersOf } from './in-stream.ts';

/** letters known at once; beyond it the oldest are forgotten, and an event of theirs would be published and buried once more */
const LETTERS_KNOWN_MAX = 100_000;
/** the asker does not wait for longer: with more to read it has no answer yet, and the next question goes on */
const READ_MS_MAX = 500;

export interface KnownLettersPorts {
  letters: LetterSource;
  /** of the stream of letters: one that was made anew begins at 1 again */
  created: () => Promise<string>;
  consumer: string;
  now: () => number;
}

/** Follows the dead letters of one consumer as far as it is asked: most of the time there are none. */
export function knownLetters({ letters, created, consumer, now }: KnownLettersPorts): DeadLettersOf {
  /** where the letter of an event is, by the event's id */
  const positions = new Map<string, number>();
  let stream = '';
  let next = 1;
  let reading: Promise<void> | undefined;

  const readOn = async (): Promise<void> => {
    const which = await created();
    if (which !== stream) {
      positions.clear();
      next = 1;
      stream = which;
    }
    const untilMs = now() + READ_MS_MAX;
    for (let letter = await letters.next(consumer, next); letter !== undefined; letter = await letters.next(consumer, next)) {
      const id = idOf(letter);
      if (id !== undefined) positions.set(id, letter.position);
      const [oldest] = positions.keys();
      if (positions.size > LETTERS_KNOWN_MAX && oldest !== undefined) positions.delete(oldest);
      next = letter.position + 1;
      if (now() > untilMs) throw new Error('there are more dead letters than could be read in time');
    }
  };

  const failureOf = async (id: string, position: number): Promise<Omit<Failure, 'seq'> | undefined> => {
    const letter = await letters.next(consumer, position);
    // one that was redriven or discarded is gone
    if (letter === undefined || idOf(letter) !== id) return undefined;
    const code = headerOf(letter, LETTER_HEADERS.reason) ?? '';
    return { code, detail: failureDetail(code), consumer, at: letter.atMs };
  };

  return async (ids) => {
    reading ??= readOn().finally(() => {
      reading = undefined;
    });
    await reading;
    const found = new Map<string, Omit<Failure, 'seq'>>();
    for (const id of ids) {
      const position = positions.get(id);
      const failure = position === undefined ? undefined : await failureOf(id, position);
      if (failure === undefined) positions.delete(id);
      else found.set(id, failure);
    }
    return found;
  };
}

function idOf(letter: KeptLetter): string | undefined {
  return headerOf(letter, `${ORIGINAL_PREFIX}Nats-Msg-Id`);
}
