import type { JetStreamManager } from '@nats-io/jetstream';
import { DEAD_LETTERS_STREAM } from '../../shared/contract/subjects.ts';
import type { Settlements } from '../runtime/batch.ts';
import { placeOf } from '../runtime/incoming.ts';
import { LETTER_HEADERS } from '../runtime/letter-headers.ts';
import { headerOf, jetStreamLetters, lettersOf, type KeptLetter } from '../runtime/letters.ts';

/** positions looked at again at a start, the newest; letters before them were told by earlier starts */
const POSITIONS_MAX = 10_000;

/**
 * Tells the Sessions of the dead letters there are. A worker that dies between storing a letter and telling of it leaves no
 * other trace: the archive does not hold the event, and the outbox would wait for it. Telling twice is telling once. Letter by
 * letter: consumers may make no durable and no reader of their own on that stream (deploy/nats/accounts.conf).
 */
export async function echoDeadLetters(manager: JetStreamManager, consumer: string, settlements: Settlements): Promise<number> {
  const { state } = await manager.streams.info(DEAD_LETTERS_STREAM);
  if (state.messages === 0) return 0;
  const from = Math.max(1, state.last_seq - POSITIONS_MAX + 1);
  let told = 0;
  for await (const letter of lettersOf(jetStreamLetters(manager), consumer, from)) {
    // what comes later is told by whoever buries it
    if (letter.position > state.last_seq) break;
    if (tell(letter, consumer, settlements)) told += 1;
  }
  return told;
}

function tell(letter: KeptLetter, consumer: string, settlements: Settlements): boolean {
  const header = (name: string): string => headerOf(letter, name) ?? '';
  const place = placeOf({ subject: header(LETTER_HEADERS.subject), data: letter.data });
  if (place === undefined) return false;
  settlements.buried(place, { code: header(LETTER_HEADERS.reason), consumer, atMs: letter.atMs });
  return true;
}
