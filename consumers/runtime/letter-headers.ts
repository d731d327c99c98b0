/** Headers that the runtime puts on a dead letter (contract §5). */
export const LETTER_HEADERS = {
  reason: 'Millrace-Reason',
  error: 'Millrace-Error',
  attempts: 'Millrace-Attempts',
  subject: 'Millrace-Subject',
  streamSeq: 'Millrace-Stream-Seq',
  firstFailedAt: 'Millrace-First-Failed-At',
  /** when JetStream stored the original */
  publishedAt: 'Millrace-Published-At',
  /** of a refused command: also of one that is too unsound to name its own */
  correlationId: 'Millrace-Correlation-Id',
  /** of the original payload, where the letter's is cut */
  payloadBytes: 'Millrace-Payload-Bytes',
} as const;

/** before the name of a header that came with the original and would be read as the server's or the runtime's */
export const ORIGINAL_PREFIX = 'Millrace-Original-';

const OURS = new Set(Object.values(LETTER_HEADERS).map((name) => name.toLowerCase()));

/**
 * The name under which a letter keeps a header of the original. Nats-… are instructions to the server (expected sequences, TTLs,
 * roll-ups) that it must not obey again; and a publisher must not say in our name whose letter it is, or where it goes.
 */
export function keptName(name: string): string {
  const lower = name.toLowerCase();
  const isTaken = lower.startsWith('nats-') || lower.startsWith(ORIGINAL_PREFIX.toLowerCase()) || OURS.has(lower);
  return isTaken ? `${ORIGINAL_PREFIX}${name}` : name;
}

/** True for a header that is the letter's own: one that did not come with the original, or not under this name. */
export function keptHere(name: string): boolean {
  return keptName(name) !== name;
}
