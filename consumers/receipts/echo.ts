import { DeliverPolicy, type JetStreamClient, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import { DEAD_LETTERS_STREAM, deadLetterSubject } from '../../shared/contract/subjects.ts';
import type { Settlements } from '../runtime/batch.ts';
import { placeOf } from '../runtime/incoming.ts';
import { incomingOf } from '../runtime/jetstream-source.ts';
import { LETTER_HEADERS } from '../runtime/letter-headers.ts';

/** letters told again at a start, the newest; older ones were told by earlier starts */
const LETTERS_MAX = 10_000;
const LETTERS_MS_MAX = 30_000;

/**
 * Tells the Sessions of the dead letters there are. A worker that dies between storing a letter and telling of it leaves no
 * other trace: the archive does not hold the event, and the outbox would wait for it. Telling twice is telling once.
 */
export async function echoDeadLetters(
  manager: JetStreamManager,
  client: JetStreamClient,
  consumer: string,
  settlements: Settlements,
): Promise<number> {
  const { state } = await manager.streams.info(DEAD_LETTERS_STREAM);
  if (state.messages === 0) return 0;
  const letters = await client.consumers.get(DEAD_LETTERS_STREAM, {
    filter_subjects: deadLetterSubject(consumer),
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, state.last_seq - LETTERS_MAX + 1),
  });
  let waiting = (await letters.info()).num_pending;
  if (waiting === 0) return 0;
  const messages = await letters.fetch({ max_messages: waiting, expires: LETTERS_MS_MAX });
  let told = 0;
  for await (const message of messages) {
    if (tell(message, consumer, settlements)) told += 1;
    waiting -= 1;
    if (waiting <= 0) break;
  }
  return told;
}

function tell(message: JsMsg, consumer: string, settlements: Settlements): boolean {
  // the last of a name: ours stands behind what a publisher may have sent
  const header = (name: string): string => message.headers?.values(name).at(-1) ?? '';
  const place = placeOf({ ...incomingOf(message), subject: header(LETTER_HEADERS.subject) });
  if (place === undefined) return false;
  settlements.buried(place, { code: header(LETTER_HEADERS.reason), consumer, atMs: message.time.getTime() });
  return true;
}
