import { createHash } from 'node:crypto';
import type { AuditDigests, AuditedSession } from '../../shared/contract/audit.ts';
import { compareDigests, DIGEST_BYTES, digestAt, digestOf, type DigestVerdict } from '../../shared/core/event-digest.ts';
import type { Event } from '../../shared/core/types.ts';
import type { SessionKey } from '../stores/history/port.ts';
import type { AuditEdge } from './edge.ts';

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What is known of one seq. */
export const IN_ARCHIVE = 1;
export const IN_STREAM = 2;
/** JetStream stored it after the oldest message that the stream still has */
export const EXPECTED_IN_STREAM = 4;
export const PENDING = 8;
/** the history has it as a dead letter */
export const DEAD = 16;

/** What the edge says of a session, and what was seen of each of its events: nine bytes per event in memory. */
export class Ledger {
  readonly session: SessionKey;
  readonly marks: AuditedSession;
  readonly #digests: Uint8Array;
  readonly #flags: Uint8Array;

  constructor(session: SessionKey, marks: AuditedSession, digests: Uint8Array) {
    this.session = session;
    this.marks = marks;
    this.#digests = digests;
    this.#flags = new Uint8Array(marks.head + 1);
    for (const { from, to } of marks.pending)
      for (let seq = from; seq <= Math.min(to, marks.head); seq += 1) this.mark(seq, PENDING);
  }

  get head(): number {
    return this.marks.head;
  }

  mark(seq: number, flag: number): void {
    this.#flags[seq] = (this.#flags[seq] ?? 0) | flag;
  }

  is(seq: number, flag: number): boolean {
    return ((this.#flags[seq] ?? 0) & flag) !== 0;
  }

  /** What an event found somewhere is beside the one that was accepted with its seq, which must be from 1 to the head. */
  verdict(event: Event, seq: number): DigestVerdict {
    return compareDigests(digestAt(this.#digests, seq - 1), digestOf(event, sha256));
  }
}

/** Undefined: the edge knows no such session. Events that come meanwhile are left out. */
export async function readLedger(edge: AuditEdge, session: SessionKey): Promise<Ledger | undefined> {
  const { session: marks } = await edge.digests(session, 1);
  if (marks === undefined) return undefined;
  const digests = new Uint8Array(marks.head * DIGEST_BYTES);
  let filled = 0;
  for (let answer: AuditDigests['session'] = marks; filled < digests.length;) {
    if (answer === undefined) throw new Error('the session is gone while it is looked at');
    const bytes = Buffer.from(answer.digests, 'base64').subarray(0, digests.length - filled);
    if (bytes.length === 0 || bytes.length % DIGEST_BYTES !== 0) throw new Error('the edge gives no digests below its head');
    digests.set(bytes, filled);
    filled += bytes.length;
    if (filled < digests.length) answer = (await edge.digests(session, filled / DIGEST_BYTES + 1)).session;
  }
  return new Ledger(session, marks, digests);
}
