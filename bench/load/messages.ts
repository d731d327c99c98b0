import { randomBytes } from 'node:crypto';

/**
 * The text that every contestant carries: 200 ASCII bytes that begin with a mark and the message's number, so that a receiver finds
 * and tells apart the messages in any contestant's frame by the same scan of bytes, without parsing JSON.
 */
export const TEXT_BYTES = 200;
/** numbers have this many digits: the first one is NUMBER_BASE */
export const NUMBER_DIGITS = 9;
export const NUMBER_BASE = 100_000_000;

const MARK = Buffer.from('~mark~');
const DIGIT_ZERO = 48;
// random, so that no layer can gain by compressing it, and printable, so that JSON escapes none of it
const FILLER = randomBytes(TEXT_BYTES)
  .toString('base64url')
  .slice(0, TEXT_BYTES - MARK.length - NUMBER_DIGITS - 1);

/** The text of message `number`, counted from 0. */
export function messageText(number: number): string {
  return `${MARK.toString('latin1')}${NUMBER_BASE + number}~${FILLER}`;
}

/**
 * Calls `found` with the number of each message in `frame`, in the frame's order, and returns how many there were.
 * Exact for what the bench sends: the mark stands once in each text and JSON does not escape it.
 */
export function scanMessages(frame: Buffer, found: (number: number) => void): number {
  let count = 0;
  for (let at = frame.indexOf(MARK); at !== -1; at = frame.indexOf(MARK, at + TEXT_BYTES)) {
    const start = at + MARK.length;
    let number = 0;
    for (let digit = 0; digit < NUMBER_DIGITS; digit += 1) number = number * 10 + (frame[start + digit] as number) - DIGIT_ZERO;
    found(number - NUMBER_BASE);
    count += 1;
  }
  return count;
}
