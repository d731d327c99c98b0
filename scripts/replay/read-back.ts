import { eventsPage, membersPage, messagesPage, type Member, type Message, type WireEvent } from './answers.ts';
import { sessionPath, type HttpClient } from './http.ts';

const EVENTS_PAGE = 1_000;
const MESSAGES_PAGE = 100;
const MEMBERS_PAGE = 100;
/** a page may be short, never endless: over this many pages per thousand rows a cursor goes in circles */
const PAGES_MAX = 1_000_000;

/** Every event of a session over HTTP, in the order of the pages. */
export async function readEvents(
  http: HttpClient,
  sessionId: string,
): Promise<{ events: WireEvent[]; head: number; epoch: string }> {
  const events: WireEvent[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const after = events.at(-1)?.seq ?? 0;
    const reply = await http.expect(200, 'GET', `${sessionPath(sessionId)}/events?after=${after}&limit=${EVENTS_PAGE}`);
    const { items, head, epoch } = eventsPage.parse(reply.body);
    events.push(...items);
    if (items.length === 0 || (items.at(-1)?.seq ?? 0) >= head) return { events, head, epoch };
  }
  throw new Error(`the events of ${sessionId} have no end`);
}

/** Every message of a session over HTTP, newest first, through the cursors to older pages. */
export async function readMessages(http: HttpClient, sessionId: string): Promise<Message[]> {
  const messages: Message[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const before = cursor === undefined ? '' : `&before=${encodeURIComponent(cursor)}`;
    const reply = await http.expect(200, 'GET', `${sessionPath(sessionId)}/messages?limit=${MESSAGES_PAGE}${before}`);
    const { items, nextCursor } = messagesPage.parse(reply.body);
    messages.push(...items);
    if (nextCursor === undefined) return messages;
    cursor = nextCursor;
  }
  throw new Error(`the messages of ${sessionId} have no end`);
}

/** Every member of a session over HTTP. */
export async function readMembers(http: HttpClient, sessionId: string): Promise<Member[]> {
  const members: Member[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const from = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const reply = await http.expect(200, 'GET', `${sessionPath(sessionId)}/members?limit=${MEMBERS_PAGE}${from}`);
    const { items, nextCursor } = membersPage.parse(reply.body);
    members.push(...items);
    if (nextCursor === undefined) return members;
    cursor = nextCursor;
  }
  throw new Error(`the members of ${sessionId} have no end`);
}
