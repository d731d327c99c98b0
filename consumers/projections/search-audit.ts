import { createHash } from 'node:crypto';
import type { AuditSubject, ModelFinding, ReadModelAudit } from '../runtime/read-model.ts';
import type { SearchContent, SearchLook, SearchStore, SearchWrite, StoredDocument } from '../stores/search/port.ts';
import { searchWriteOf } from './search.ts';

/** What the index should have of a message; the content as a digest, for a session may have a million of them. */
interface Expected {
  clock: bigint;
  /** of the event that wrote it; absent: it is a stub by the session's deletion */
  seq?: number;
  digest: string;
}

const STUB = 'stub';

/** Compares a session's documents with those that its events should have made. */
export function searchAudit(store: SearchStore & SearchLook): ReadModelAudit {
  return {
    async *look(subject) {
      const expected = await expectedOf(store, subject);
      for await (const page of store.documents(subject)) {
        for (const found of page) {
          const wanted = expected.get(found.messageId);
          expected.delete(found.messageId);
          const finding = findingOf(subject, wanted, found);
          if (finding !== undefined)
            yield { ...finding, mend: async () => await mend(store, subject, found.messageId, wanted, found) };
        }
      }
      for (const [messageId, wanted] of expected) {
        yield {
          kind: 'missing',
          place: placeOf(messageId),
          detail: 'the index has nothing of it',
          mend: async () => await mend(store, subject, messageId, wanted, undefined),
        };
      }
    },
    close: async () => await store.close(),
  };
}

function placeOf(messageId: string): string {
  return `message ${messageId}`;
}

/** As the index keeps it: of each message the highest clock, and stubs below the deletion of the session. */
async function expectedOf(store: SearchLook, subject: AuditSubject): Promise<Map<string, Expected>> {
  const expected = new Map<string, Expected>();
  let erasedAt = -1n;
  for await (const page of subject.events()) {
    for (const event of page) {
      if (subject.deadLetters.has(event.seq)) continue;
      const write = searchWriteOf(event);
      if (write?.kind === 'eraseSession') erasedAt = write.clock > erasedAt ? write.clock : erasedAt;
      if (write?.kind !== 'document' || (expected.get(write.messageId)?.clock ?? -1n) >= write.clock) continue;
      const { clock, content } = write;
      expected.set(write.messageId, { clock, seq: event.seq, digest: digestOf(store, content) });
    }
  }
  for (const [messageId, { clock, digest }] of expected) {
    // what was a stub before stays as it is: a store need not write it again
    if (clock < erasedAt && digest !== STUB) expected.set(messageId, { clock: erasedAt, digest: STUB });
  }
  return expected;
}

function digestOf(store: SearchLook, content: SearchContent | undefined): string {
  if (content === undefined) return STUB;
  const { text, ...rest } = content;
  return contentDigest({ ...rest, words: store.wordsOf(text) });
}

function contentDigest(content: NonNullable<StoredDocument['content']>): string {
  const { seq, author, role, parentId, mentions, sentAtMs, words } = content;
  const told = JSON.stringify([seq, author, role, parentId ?? null, mentions, sentAtMs, words]);
  return createHash('sha256').update(told).digest('base64url').slice(0, 22);
}

function findingOf(
  { isIncomplete }: AuditSubject,
  wanted: Expected | undefined,
  found: StoredDocument,
): Omit<ModelFinding, 'mend'> | undefined {
  const place = placeOf(found.messageId);
  const isBehind = wanted !== undefined && found.clock < wanted.clock;
  // an event that nobody has any more may have written it
  if (isIncomplete && !isBehind) return undefined;
  if (wanted === undefined) {
    return found.content === undefined
      ? undefined
      : { kind: 'extra', place, detail: `no event wrote what the index has of it, at ${found.clock}` };
  }
  const digest = found.content === undefined ? STUB : contentDigest(found.content);
  if (digest === wanted.digest && !isBehind) return undefined;
  const detail = isBehind
    ? `the index has what was there at ${found.clock}, and not what came at ${wanted.clock}`
    : // with the clock, so that a message which is edited while it is looked at is not the same in two looks
      `the index has other words or another address of it, at ${found.clock}`;
  return { kind: 'different', place, detail };
}

/** Writes what should be there, newer than what is. */
async function mend(
  store: SearchStore,
  subject: AuditSubject,
  messageId: string,
  wanted: Expected | undefined,
  found: StoredDocument | undefined,
): Promise<void> {
  const { tenant, sessionId } = subject;
  const above = found === undefined ? -1n : found.clock + 1n;
  const clock = wanted !== undefined && wanted.clock > above ? wanted.clock : above;
  const content = wanted?.digest === STUB ? undefined : await contentOf(subject, wanted?.seq);
  const write: SearchWrite = {
    kind: 'document',
    tenant,
    sessionId,
    messageId,
    clock,
    ...(content === undefined ? {} : { content }),
  };
  const rejected = await store.write([write]);
  for (const { reason } of rejected.values()) throw new Error(`the index rejects it: ${reason}`);
}

async function contentOf(subject: AuditSubject, seq: number | undefined): Promise<SearchContent | undefined> {
  if (seq === undefined) return undefined;
  for await (const page of subject.events()) {
    const event = page.find((each) => each.seq === seq);
    const write = event === undefined ? undefined : searchWriteOf(event);
    if (write?.kind === 'document') return write.content;
  }
  return undefined;
}
