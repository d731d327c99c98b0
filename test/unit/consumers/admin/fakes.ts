import { letterHeaders } from '../../../../consumers/runtime/dead-letters.ts';
import type { StoredLetter } from '../../../../consumers/admin/letter.ts';
import type { StreamReader } from '../../../../consumers/admin/stream-reader.ts';
import { anEvent } from '../../../contracts/events.ts';
import { messageOf } from '../fakes.ts';

const AT_MS = Date.parse('2026-01-02T03:04:05.678Z');

/** A letter as the runtime would have stored it. */
export function aLetter(position: number, more: Partial<StoredLetter> & { tenant?: string } = {}): StoredLetter {
  const { tenant = 'default', ...fields } = more;
  const event = { ...anEvent('message.created', { seq: position, data: { id: `m${position}` } }), tenant };
  const incoming = messageOf(event, { headers: [['Content-Type', 'application/cloudevents+json']] });
  const letter = {
    incoming,
    consumer: 'history',
    reason: 'invalid_event',
    error: 'data: invalid',
    firstFailedAtMs: AT_MS - 1_000,
  };
  return {
    position,
    subject: 'millrace.dead.history',
    atMs: AT_MS,
    headers: letterHeaders(letter),
    data: incoming.data,
    bytes: incoming.data.length,
    ...fields,
  };
}

/** The stream in memory. `calls` are the readings it was asked for. */
export class FakeBox implements StreamReader {
  readonly letters = new Map<number, StoredLetter>();
  readonly calls: string[] = [];
  last = 0;

  constructor(letters: readonly StoredLetter[]) {
    for (const letter of letters) this.put(letter);
  }

  put(letter: StoredLetter): void {
    this.letters.set(letter.position, letter);
    this.last = Math.max(this.last, letter.position);
  }

  async bounds() {
    return await Promise.resolve({ first: Math.min(...this.letters.keys(), this.last + 1), last: this.last });
  }

  async between(from: number, to: number, { subject, headersOnly }: Parameters<StreamReader['between']>[2]) {
    this.calls.push(`${from}-${to}`);
    const isAsked = (letter: StoredLetter): boolean =>
      letter.position >= from && letter.position <= to && (subject === undefined || letter.subject === subject);
    const found = [...this.letters.values()].filter(isAsked).toSorted((a, b) => a.position - b.position);
    return await Promise.resolve(headersOnly === true ? found.map((each) => ({ ...each, data: new Uint8Array() })) : found);
  }

  async read(position: number): Promise<StoredLetter | undefined> {
    return await Promise.resolve(this.letters.get(position));
  }

  async remove(position: number): Promise<boolean> {
    return await Promise.resolve(this.letters.delete(position));
  }
}
