import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { READ_MODELS } from '../../consumers/read-models.ts';
import { openSqliteAnalytics } from '../../consumers/stores/analytics/sqlite.ts';
import { event as eventSchema, type WireEvent } from '../../scripts/replay/answers.ts';
import type { HttpClient } from '../../scripts/replay/client.ts';
import { forEachLimited } from '../../scripts/replay/gate.ts';
import { QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import { INBOX_COUNT_MAX, SEQ_MAX } from '../../shared/core/limits.ts';
import { canonicalJson } from '../../shared/core/text.ts';
import { digest, type Ledger, type Line } from './ledger.ts';
import { LOAD_WORD } from './load.ts';

/** What each read model of the consumers' registry holds, compared with the log that HTTP shows. */

export interface Compared {
  nats: string;
  /** of the consumers: where embedded stores are */
  dataDir: string;
  ledger: Ledger;
  logs: ReadonlyMap<string, readonly WireEvent[]>;
  /** the users of a session, with their clients */
  users: (session: string) => readonly { name: string; http: HttpClient }[];
  /** a read model may still be catching up */
  patienceMs: number;
}

type Found = Omit<Extract<Line, { kind: 'read-model' }>, 'kind' | 'name' | 'session'>;
type Compare = (session: string, events: readonly WireEvent[], compared: Compared, nats: NatsConnection) => Promise<Found>;

const COMPARISONS: Readonly<Record<string, Compare>> = {
  history: compareHistory,
  notifications: compareInboxes,
  search: compareSearch,
  analytics: compareAnalytics,
};
const SESSION_WIDTH = 4;
const AGAIN_MS = 500;
const ASK_MS_MAX = 5_000;
const PAGE_EVENTS = 1_000;
const PAGE_BYTES = 500_000;
const FIRST_KEPT_MAX = 3;

/** Writes the comparison of every session with every read model down. Answers the names of those that neither this nor an audit can compare. */
export async function compareReadModels(compared: Compared): Promise<string[]> {
  const nats = await connect({ servers: compared.nats, timeout: ASK_MS_MAX, waitOnFirstConnect: true });
  try {
    for (const { name } of READ_MODELS) {
      const compare = COMPARISONS[name];
      if (compare === undefined) continue;
      await forEachLimited([...compared.logs], SESSION_WIDTH, async ([session, events]) => {
        const found = await patiently(async () => await compare(session, events, compared, nats), compared.patienceMs);
        compared.ledger.write({ kind: 'read-model', name, session, ...found });
      });
    }
  } finally {
    await nats.close();
  }
  return READ_MODELS.filter((model) => COMPARISONS[model.name] === undefined && model.openAudit === undefined).map(
    ({ name }) => name,
  );
}

/** The first clean comparison, or the last one. */
async function patiently(compare: () => Promise<Found>, patienceMs: number): Promise<Found> {
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    const found = await compare().catch((error: unknown) => {
      if (Date.now() > untilMs) throw error;
      return undefined;
    });
    const isClean = found !== undefined && found.missing + found.extra + found.different === 0;
    if (found !== undefined && (isClean || Date.now() > untilMs)) return found;
    await sleep(AGAIN_MS);
  }
}

class Comparison {
  readonly found: Found = { checked: 0, missing: 0, extra: 0, different: 0, first: [] };

  add(what: 'missing' | 'extra' | 'different', which: string): void {
    this.found[what] += 1;
    if (this.found.first.length < FIRST_KEPT_MAX) this.found.first.push(`${which} is ${what}`);
  }
}

/** Every whole event of the archive, and every message row, as `query` reads them. */
async function compareHistory(session: string, events: readonly WireEvent[], _: Compared, nats: NatsConnection): Promise<Found> {
  const comparison = new Comparison();
  const stored = await archived(session, nats);
  for (const event of events) {
    comparison.found.checked += 1;
    const held = stored.get(event.seq);
    stored.delete(event.seq);
    if (held === undefined) comparison.add('missing', `seq ${event.seq}`);
    else if (canonicalJson(held) !== canonicalJson(event)) comparison.add('different', `seq ${event.seq}`);
  }
  for (const seq of stored.keys()) comparison.add('extra', `seq ${seq}`);
  await compareMessages(session, events, nats, comparison);
  return comparison.found;
}

async function archived(session: string, nats: NatsConnection): Promise<Map<number, WireEvent>> {
  const answer = z.object({ ok: z.literal(true), events: z.array(eventSchema) });
  const stored = new Map<number, WireEvent>();
  // one page past the last that is there, for what should not be
  for (let from = 1; ;) {
    const question = { op: 'events', from, to: from + PAGE_EVENTS - 1, maxBytes: PAGE_BYTES };
    const { events } = answer.parse(await ask(nats, session, question));
    for (const event of events) stored.set(event.seq, event);
    const last = events.at(-1)?.seq;
    if (last === undefined) return stored;
    from = last + 1;
  }
}

async function compareMessages(
  session: string,
  events: readonly WireEvent[],
  nats: NatsConnection,
  comparison: Comparison,
): Promise<void> {
  const answer = z.object({
    ok: z.literal(true),
    messages: z.array(z.looseObject({ seq: z.int(), text: z.string(), deletedAt: z.string().optional() })),
  });
  const open = new Map([...messagesOf(events).values()].map((message) => [message.seq, message]));
  let asked = [...open.keys()];
  while (asked.length > 0) {
    const page = asked.slice(0, PAGE_EVENTS);
    const { messages } = answer.parse(await ask(nats, session, { op: 'messages', seqs: page }));
    for (const { seq, text, deletedAt } of messages) {
      const message = open.get(seq);
      open.delete(seq);
      comparison.found.checked += 1;
      const isSame = message !== undefined && text === message.text && (deletedAt !== undefined) === message.isDeleted;
      if (!isSame) comparison.add('different', `the message of seq ${seq} (${digest(text)})`);
    }
    const last = messages.at(-1)?.seq;
    // a page is cut by bytes; one without rows says that there are none
    asked = last === undefined ? asked.slice(page.length) : asked.slice(asked.indexOf(last) + 1);
  }
  for (const seq of open.keys()) comparison.add('missing', `the message of seq ${seq}`);
}

interface ExpectedMessage {
  seq: number;
  text: string;
  isDeleted: boolean;
}

/** By id, as the events leave them. */
function messagesOf(events: readonly WireEvent[]): Map<string, ExpectedMessage> {
  const messages = new Map<string, ExpectedMessage>();
  for (const { type, subject, seq, data } of events) {
    if (type === 'message.created') messages.set(subject, { seq, text: textOf(data), isDeleted: false });
    const message = messages.get(subject);
    if (message === undefined) continue;
    if (type === 'message.updated') message.text = textOf(data);
    if (type === 'message.deleted') messages.set(subject, { seq: message.seq, text: '', isDeleted: true });
  }
  return messages;
}

function textOf(data: Readonly<Record<string, unknown>>): string {
  return typeof data['text'] === 'string' ? data['text'] : '';
}

async function ask(nats: NatsConnection, sessionId: string, question: object): Promise<unknown> {
  const request = JSON.stringify({ v: 1, tenant: 'default', sessionId, ...question });
  return (await nats.request(QUERY_SUBJECT, request, { timeout: ASK_MS_MAX })).json();
}

const inboxAnswer = z.looseObject({
  items: z.array(z.looseObject({ sessionId: z.string(), head: z.int().optional(), unread: z.int().optional() })),
});

/** What the Inbox of each user knows of the session by itself. A reaction makes no news, so the head may stand before one. */
async function compareInboxes(session: string, events: readonly WireEvent[], { users }: Compared): Promise<Found> {
  const comparison = new Comparison();
  const news = events.findLast(({ type }) => !type.startsWith('reaction.'))?.seq ?? 0;
  const created = events.filter(({ type }) => type === 'message.created');
  for (const { name, http } of users(session)) {
    comparison.found.checked += 1;
    const { items } = inboxAnswer.parse((await http.expect(200, 'GET', '/v1/inbox?after=0')).body);
    const item = items.find(({ sessionId }) => sessionId === session);
    const own = created.findLastIndex(({ actor }) => actor === name);
    const unread = Math.min(created.length - 1 - own, INBOX_COUNT_MAX);
    if (item === undefined) comparison.add('missing', `the inbox of ${name}`);
    else if ((item.head ?? 0) < news || item.unread !== unread) {
      comparison.add('different', `the inbox of ${name} (head ${item.head} for ${news}, unread ${item.unread} for ${unread})`);
    }
  }
  return comparison.found;
}

const foundMessages = z.looseObject({
  items: z.array(z.looseObject({ message: z.looseObject({ id: z.string(), text: z.string() }) })),
  nextCursor: z.string().optional(),
});

/** Every message of the session that is not deleted, by a word that all of them have. */
async function compareSearch(session: string, events: readonly WireEvent[], { users }: Compared): Promise<Found> {
  const comparison = new Comparison();
  const open = messagesOf(events);
  for (const [id, { isDeleted }] of open) if (isDeleted) open.delete(id);
  const [user] = users(session);
  const query = `/v1/search?q=${LOAD_WORD}&sessionId=${session}&limit=100`;
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = foundMessages.parse((await user?.http.expect(200, 'GET', `${query}${from}`))?.body);
    for (const { message } of page.items) {
      comparison.found.checked += 1;
      const expected = open.get(message.id);
      if (expected === undefined) comparison.add('extra', `message ${message.id}`);
      else if (expected.text !== message.text) comparison.add('different', `message ${message.id}`);
      open.delete(message.id);
    }
    cursor = page.nextCursor;
  }
  for (const [id, { seq }] of open) comparison.add('missing', `message ${id} (seq ${seq})`);
  return comparison.found;
}

/** Which events there are figures of: each, once. */
async function compareAnalytics(session: string, events: readonly WireEvent[], { dataDir }: Compared): Promise<Found> {
  const comparison = new Comparison();
  const store = openSqliteAnalytics({ path: join(dataDir, 'analytics.db'), writes: false, mayMake: false });
  try {
    const rows = await store.heldEvents({ tenant: 'default', sessionId: session }, 1, SEQ_MAX);
    const held = new Set(rows.map(({ seq }) => seq));
    if (held.size < rows.length) comparison.add('extra', `${rows.length - held.size} more rows than seqs`);
    for (const { seq } of events) {
      comparison.found.checked += 1;
      if (!held.delete(seq)) comparison.add('missing', `seq ${seq}`);
    }
    for (const seq of held) comparison.add('extra', `seq ${seq}`);
  } finally {
    await store.close();
  }
  return comparison.found;
}
