import type { AdminRequestOf, AdminResult, RedriveItem } from '../../shared/contract/admin.ts';
import { deadLetterSubject } from '../../shared/contract/subjects.ts';
import { LETTER_HEADERS } from '../runtime/letter-headers.ts';
import { headerOf } from '../runtime/letters.ts';
import { describe, type Log } from '../runtime/log.ts';
import { consumerOf, isOf, letterId, positionOf, type StoredLetter } from './letter.ts';
import type { Redriver } from './redriver.ts';
import { AdminRefused } from './refused.ts';
import type { Deadline } from './responder.ts';
import type { StreamReader } from './stream-reader.ts';
import { walkOn } from './walk.ts';

/** a letter that would be begun later than this before the answer is due is left to the next call */
const LETTER_MS = 900;

type Request = AdminRequestOf<'deadLetters.redriveAll'>;

/** A letter that a call means, by its id and where it lies. */
interface Chosen {
  id: string;
  position: number;
}

/**
 * Redrives what is chosen, oldest first and one after the other, as far as the time of one call goes: `next` is where the next call
 * goes on. One that fails stays where it is and holds up nobody. A dry run says what each would be, and changes nothing.
 */
export async function redriveAll(
  { letters, redriver, log }: { letters: StreamReader; redriver: Redriver; log: Log },
  request: Request,
  deadline: Deadline,
): Promise<AdminResult<'deadLetters.redriveAll'>> {
  const until = request.until ?? Math.max(1, (await letters.bounds()).last);
  const chosen = await choose(letters, request, until, deadline);
  const items: RedriveItem[] = [];
  let { next } = chosen;
  for (const [index, { id, position }] of chosen.letters.entries()) {
    if (index > 0 && Date.now() > deadline.untilMs - LETTER_MS) {
      next = position - 1;
      break;
    }
    const item = await one(redriver, id, request, deadline, log);
    if (item !== undefined) items.push(item);
  }
  const countOf = (...outcomes: RedriveItem['outcome'][]): number =>
    items.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return {
    dryRun: request.dryRun,
    matched: items.length,
    redriven: countOf('redriven', 'wouldRedrive'),
    failed: countOf('failed'),
    items,
    ...(next === undefined ? {} : { next: { after: next, until } }),
  };
}

async function choose(
  letters: StreamReader,
  request: Request,
  until: number,
  deadline: Deadline,
): Promise<{ letters: Chosen[]; next?: number }> {
  const { after = 0, ids, limit, consumer } = request;
  if (ids === undefined) {
    const keep = (letter: StoredLetter): boolean => isMeant(letter, request);
    const subject = consumer === undefined ? {} : { subject: deadLetterSubject(consumer) };
    const { found, next } = await walkOn(letters, { after, until, limit, keep, headersOnly: true, ...subject }, deadline);
    const meant = found.map((letter) => ({ id: letterId(letter), position: letter.position }));
    return { letters: meant, ...(next === undefined ? {} : { next }) };
  }
  const named = [...new Set(ids)].map((id): Chosen => ({ id, position: positionOf(id) ?? after + 1 }));
  const left = named.filter(({ position }) => position > after).toSorted((a, b) => a.position - b.position);
  const last = left[limit - 1]?.position;
  return { letters: left.slice(0, limit), ...(last === undefined || left.length <= limit ? {} : { next: last }) };
}

function isMeant(letter: StoredLetter, { tenant, consumer, reason }: Request): boolean {
  return (
    isOf(letter, tenant) &&
    (consumer === undefined || consumerOf(letter) === consumer) &&
    (reason === undefined || headerOf(letter, LETTER_HEADERS.reason) === reason)
  );
}

/** Never rejects. Undefined when it is there, and not meant. */
async function one(
  redriver: Redriver,
  id: string,
  request: Request,
  deadline: Deadline,
  log: Log,
): Promise<RedriveItem | undefined> {
  let about: Pick<RedriveItem, 'consumer' | 'reason'> = {};
  try {
    const letter = await redriver.find(id, request.tenant);
    if (!isMeant(letter, request)) return undefined;
    about = { consumer: consumerOf(letter), reason: headerOf(letter, LETTER_HEADERS.reason) ?? '' };
    if (request.dryRun) return { id, ...about, outcome: 'wouldRedrive', as: (await redriver.plan(letter)).as };
    const { outcome, as } = await redriver.redrive(letter, request, deadline);
    return { id, ...about, outcome, as };
  } catch (error) {
    if (!(error instanceof AdminRefused)) {
      log('warn', 'a dead letter could not be redriven', { id, correlationId: request.correlationId, error: describe(error) });
      return { id, ...about, outcome: 'failed', code: 'unavailable', detail: 'Something that it needs did not answer.' };
    }
    const { code, detail } = error.refusal;
    return code === 'not_found' ? { id, outcome: 'gone' } : { id, ...about, outcome: 'failed', code, detail };
  }
}
