import { ANALYTICS_DURABLE } from '../../consumers/projections/analytics.ts';
import { SEARCH_DURABLE } from '../../consumers/projections/search.ts';
import { isErased, type Event } from '../../shared/core/types.ts';
import type { Checker } from './checker.ts';
import { TENANT } from './edge.ts';
import type { OtherStores } from './other-stores.ts';

const MINUTE_MS = 60_000;

interface Document {
  id: string;
  seq: number | null;
  author: string | null;
  words: string | null;
}

/** The index has each message as its last event leaves it, and of one that is gone nothing but that (P1). */
export function indexVerdict(checker: Checker, sessionId: string, others: OtherStores): void {
  const events = eventsOf(checker, sessionId);
  const isMissing = (event: Event): boolean => !checker.mustReach(event, SEARCH_DURABLE);
  // what an event that it lacks would have made of its message cannot be told
  const spoiled = new Set(events.filter(isMissing).map(({ subject }) => subject));
  const found = new Map(documentsOf(others, sessionId).map((document) => [document.id, document]));
  for (const [id, wanted] of expectedDocuments(events, others)) {
    const document = found.get(id);
    found.delete(id);
    const told = JSON.stringify(document);
    if (!spoiled.has(id) && !spoiled.has(sessionId) && told !== JSON.stringify(wanted))
      checker.broke('P1', `the index has ${told} of ${sessionId}, and should have ${JSON.stringify(wanted)}`);
  }
  for (const { id, seq } of found.values())
    if (seq !== null || !spoiled.has(id)) checker.broke('P1', `the index has message ${id} of ${sessionId}, which nobody wrote`);
}

/** The checker's own reading of contract §3: text and author of each message by its last event, in the order of seqs. */
function expectedDocuments(events: readonly Event[], others: OtherStores): Map<string, Document> {
  const documents = new Map<string, Document>();
  const stub = (id: string): Document => ({ id, seq: null, author: null, words: null });
  for (const event of events) {
    if (event.type === 'session.deleted') {
      for (const id of documents.keys()) documents.set(id, stub(id));
    } else if (event.type.startsWith('message.')) {
      const {
        text,
        messageSeq = event.seq,
        author = event.actor,
      } = event.data as {
        text?: string;
        messageSeq?: number;
        author?: string;
      };
      const isGone = isErased(event) || text === undefined;
      const whole = { id: event.subject, seq: messageSeq, author, words: others.index.wordsOf(text ?? '') };
      documents.set(event.subject, isGone ? stub(event.subject) : whole);
    }
  }
  return documents;
}

function documentsOf({ indexed }: OtherStores, sessionId: string): Document[] {
  const sql = `SELECT message_id AS id, seq, author, terms AS words FROM documents_1 LEFT JOIN words_1 ON words_1.rowid = id
    WHERE session_id = ?`;
  return indexed
    .prepare(sql.replace('= id', '= documents_1.id'))
    .all(sessionId)
    .map((row) => ({ ...row })) as unknown as Document[];
}

/** Each event is counted once, and nothing else is (P1). */
export function countVerdict(checker: Checker, sessionId: string, { counted }: OtherStores): void {
  const rows = counted.prepare('SELECT event_id AS id, seq, type, actor FROM events WHERE session_id = ?').all(sessionId);
  const found = new Map(rows.map((row) => [String(row['id']), JSON.stringify([row['seq'], row['type'], row['actor']])]));
  if (found.size !== rows.length) checker.broke('P1', `events of ${sessionId} are counted twice`);
  for (const event of eventsOf(checker, sessionId)) {
    const wanted = JSON.stringify([event.seq, event.type, event.actor]);
    const row = found.get(event.id);
    found.delete(event.id);
    if (row === undefined ? checker.mustReach(event, ANALYTICS_DURABLE) : row !== wanted)
      checker.broke('P1', `seq ${event.seq} of ${sessionId} is counted as ${row}, and should be as ${wanted}`);
  }
  for (const [id, row] of found) checker.broke('P1', `${row} (${id}) of ${sessionId} is counted, and there is no such event`);
  const told = counted
    .prepare('SELECT seq, published_at > persisted_at AS late FROM receipts WHERE session_id = ?')
    .all(sessionId);
  for (const { seq } of told) {
    if (!checker.archived(sessionId, Number(seq)))
      checker.broke('P6', `seq ${String(seq)} of ${sessionId} has a receipt, and the archive does not hold it`);
  }
}

/** The figures are what somebody counts who goes through the events one by one. */
export async function figuresVerdict(checker: Checker, sessionIds: readonly string[], { figures }: OtherStores): Promise<void> {
  const events = sessionIds
    .flatMap((sessionId) => eventsOf(checker, sessionId))
    .filter((event) => checker.mustReach(event, ANALYTICS_DURABLE) || checker.holds(ANALYTICS_DURABLE, event));
  const minutes = events.map(({ time }) => Math.floor(Date.parse(time) / MINUTE_MS));
  const first = Math.min(...minutes);
  const points = Math.max(...minutes) - first + 1;
  const naive = new Map<number, { messages: number; users: Set<string> }>();
  events.forEach(({ type, actor }, at) => {
    const step = (minutes[at] ?? 0) - first;
    const entry = naive.get(step) ?? { messages: 0, users: new Set() };
    entry.messages += type === 'message.created' ? 1 : 0;
    entry.users.add(actor);
    naive.set(step, entry);
  });
  const span = { tenant: TENANT, fromMs: first * MINUTE_MS, step: 'minute', points } as const;
  const messages = new Map((await figures.messages(span)).map((point) => [point.step, point.messages]));
  const users = new Map((await figures['active-users'](span)).map((point) => [point.step, point.users]));
  for (let step = 0; step < points; step += 1) {
    const wanted = naive.get(step);
    const said = [messages.get(step) ?? 0, users.get(step) ?? 0];
    if (said[0] !== (wanted?.messages ?? 0) || said[1] !== (wanted?.users.size ?? 0))
      checker.broke(
        'P1',
        `minute ${step} has ${said.join(' messages of ')} users, counted were ${wanted?.messages} of ${wanted?.users.size}`,
      );
  }
}

function eventsOf(checker: Checker, sessionId: string): Event[] {
  const seen = checker.sightings.get(sessionId)?.values() ?? [];
  return [...seen].map(({ event }) => event).toSorted((a, b) => a.seq - b.seq);
}
