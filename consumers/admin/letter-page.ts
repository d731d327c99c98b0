import type { AdminResult } from '../../shared/contract/admin.ts';
import { deadLetterSubject } from '../../shared/contract/subjects.ts';
import { isOf, letterAnswer, type StoredLetter } from './letter.ts';
import type { Deadline } from './responder.ts';
import type { StreamReader } from './stream-reader.ts';
import { walkBack } from './walk.ts';

/** payloads looked into for what they say of themselves: more would be read only to be thrown away */
const PEEK_BYTES_MAX = 64 * 1024;

export interface PageQuery {
  tenant: string;
  consumer?: string | undefined;
  before?: number | undefined;
  limit: number;
}

/** Newest first. A page may be shorter than the limit, or empty: only `next` says that there may be older ones. */
export async function letterPage(
  letters: StreamReader,
  { tenant, consumer, before, limit }: PageQuery,
  deadline: Deadline,
): Promise<AdminResult<'deadLetters.list'>> {
  const { found, next } = await walkBack(
    letters,
    {
      before,
      limit,
      keep: (letter) => isOf(letter, tenant),
      headersOnly: true,
      ...(consumer === undefined ? {} : { subject: deadLetterSubject(consumer) }),
    },
    deadline,
  );
  const items = await Promise.all(found.map(async (letter) => letterAnswer(await peeked(letters, letter))));
  return { items, ...(next === undefined ? {} : { next }) };
}

/** With its payload, when that is small. One that goes meanwhile is shown as it was. */
async function peeked(letters: StreamReader, letter: StoredLetter): Promise<StoredLetter> {
  if (letter.bytes === 0 || letter.bytes > PEEK_BYTES_MAX) return letter;
  return (await letters.read(letter.position)) ?? letter;
}
