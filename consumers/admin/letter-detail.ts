import type { DeadLetterDetail } from '../../shared/contract/admin.ts';
import { LETTER_HEADERS } from '../runtime/letter-headers.ts';
import { headerOf } from '../runtime/letters.ts';
import { letterAnswer, type StoredLetter } from './letter.ts';

/** more is cut, and said to be: with its quotes escaped, or as base64, it stays below what a reply may hold (1 MiB) */
const PAYLOAD_BYTES_MAX = 256 * 1024;
/** as JSON; a text of control characters, each escaped sixfold, goes as base64 */
const TEXT_BYTES_MAX = 512 * 1024;
const HEADERS_MAX = 100;
const HEADER_CHARS_MAX = 1_024;

/** One letter with its payload and headers, each cut at a bound. */
export function letterDetail(letter: StoredLetter): DeadLetterDetail {
  const shown = letter.headers.slice(0, HEADERS_MAX);
  const isCut = shown.length < letter.headers.length || shown.some((pair) => pair.some((part) => part.length > HEADER_CHARS_MAX));
  return {
    ...letterAnswer(letter),
    headers: shown.map(([name, value]) => ({
      name: name.slice(0, HEADER_CHARS_MAX),
      value: value.slice(0, HEADER_CHARS_MAX),
    })),
    ...(isCut ? { headersCut: true as const } : {}),
    payload: payloadOf(letter),
  };
}

function payloadOf(letter: StoredLetter): DeadLetterDetail['payload'] {
  const data = letter.data.subarray(0, PAYLOAD_BYTES_MAX);
  const isCut = data.length < letter.data.length || headerOf(letter, LETTER_HEADERS.payloadBytes) !== undefined;
  const cut = isCut ? { cut: true as const } : {};
  const text = textOf(data, isCut);
  return text === undefined
    ? { encoding: 'base64', data: Buffer.from(data).toString('base64'), ...cut }
    : { encoding: 'text', data: text, ...cut };
}

/** Undefined when it is no UTF-8, or would be too long. A character that the cut went through is left out. */
function textOf(data: Uint8Array, isCut: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data, { stream: isCut });
    return Buffer.byteLength(JSON.stringify(text)) <= TEXT_BYTES_MAX ? text : undefined;
  } catch {
    return undefined;
  }
}
