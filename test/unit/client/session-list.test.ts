import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Millrace } from '../../../client/index.ts';
import { SESSION_LIST_EVERY_MS, SESSION_LIST_GAP_MS } from '../../../client/net/bounds.ts';
import { SessionList } from '../../../client/session-list.ts';
import { newRig, type Reply, type Rig } from './rig.ts';

let rig: Rig;
let client: Millrace;
let list: SessionList;
/** answers to GET /v1/sessions, by cursor */
let pages: Map<string | null, Reply>;

beforeEach(() => {
  rig = newRig();
  pages = new Map([[null, page('a', 'b')]]);
  rig.answer = ({ path }) => {
    const { pathname, searchParams } = new URL(path, 'https://edge.test');
    if (pathname === '/v1/inbox/tickets') return { status: 201, body: { ticket: 't' } };
    if (pathname === '/v1/inbox') return { status: 200, body: { type: 'inbox', rev: 0, items: [] } };
    return pages.get(searchParams.get('cursor')) ?? { status: 404 };
  };
  client = new Millrace(rig.options);
  list = client.extend((environment, http) => new SessionList(environment, http, client.inbox()));
});
afterEach(() => client.close());

const row = (id: string, head = 1): object => ({ session: { id, title: id, head }, unread: 0, mentions: 0 });
function page(...ids: string[]): Reply {
  return { status: 200, body: { items: ids.map((id) => row(id)) } };
}
const item = (sessionId: string, more: object = {}): object => ({
  sessionId,
  unread: 0,
  mentions: 0,
  head: 1,
  role: 'member',
  ...more,
});
const says = (rev: number, ...items: object[]): void => rig.sockets[0]?.says({ type: 'inbox', rev, items });
const ids = (): string[] => list.getSnapshot().items.map(({ session }) => session.id);
const reads = (): number => rig.requests.filter(({ path }) => path.startsWith('/v1/sessions?')).length;

async function opened(): Promise<() => void> {
  const release = list.open();
  await rig.pass(1);
  says(1, item('a'), item('b'));
  await rig.pass(SESSION_LIST_GAP_MS);
  return release;
}

describe('the list of sessions', () => {
  it('has the order of the server, and the counts of the inbox at once', async () => {
    await opened();
    expect(ids()).toEqual(['a', 'b']);
    says(2, item('b', { unread: 3, mentions: 1, head: 2 }));
    expect(list.getSnapshot().items[0]).toMatchObject({ session: { id: 'b' }, unread: 3, mentions: 1 });
    expect(ids(), 'what moved is first').toEqual(['b', 'a']);
  });

  it('leaves the order when only what was read changed', async () => {
    await opened();
    says(2, item('b', { unread: 2, head: 2 }));
    await rig.pass(SESSION_LIST_GAP_MS);
    expect(ids()).toEqual(['a', 'b']);
    const before = reads();
    says(3, item('b', { unread: 0, head: 2 }));
    await rig.pass(10 * SESSION_LIST_GAP_MS);
    expect(ids()).toEqual(['a', 'b']);
    expect(reads()).toBe(before);
  });

  it('reads once for many changes, and no sooner than a second after it last did', async () => {
    await opened();
    await rig.pass(SESSION_LIST_GAP_MS);
    const before = reads();
    for (let rev = 2; rev < 20; rev += 1) says(rev, item('a', { head: rev }));
    await rig.pass(10);
    says(20, item('a', { head: 20 }));
    await rig.pass(SESSION_LIST_GAP_MS + 10);
    expect(reads() - before).toBe(2);
  });

  it('shows a session as soon as the inbox names it, and drops one that it takes away', async () => {
    await opened();
    pages.set(null, page('c', 'a', 'b'));
    says(2, item('c'));
    await rig.pass(SESSION_LIST_GAP_MS + 10);
    expect(ids()).toEqual(['c', 'a', 'b']);
    says(3, item('a', { removed: true }));
    expect(ids()).toEqual(['c', 'b']);
  });

  it('keeps what was read of further pages, and reads each once', async () => {
    pages.set(null, { status: 200, body: { items: [row('a')], nextCursor: 'n' } });
    pages.set('n', page('a', 'z'));
    await opened();
    expect(list.getSnapshot().hasMore).toBe(true);
    await Promise.all([list.loadMore(), list.loadMore(), rig.pass(10)]);
    expect(ids()).toEqual(['a', 'z']);
    expect(await list.loadMore()).toBe(false);
    await rig.pass(SESSION_LIST_EVERY_MS);
    expect(ids()).toEqual(['a', 'z']);
  });

  it('says that it may be old while it cannot be read, and goes on', async () => {
    const good = pages.get(null) as Reply;
    pages.set(null, { status: 503, body: { code: 'unavailable', detail: 'no', status: 503 } });
    list.open();
    await rig.pass(60_000);
    expect(list.getSnapshot()).toMatchObject({ status: 'loading', error: { code: 'unavailable' } });
    pages.set(null, good);
    await rig.pass(60_000);
    expect(list.getSnapshot()).toMatchObject({ status: 'ready', error: undefined });
  });

  it('asks nobody any more once nobody holds it', async () => {
    const release = await opened();
    release();
    const before = reads();
    await rig.pass(5 * SESSION_LIST_EVERY_MS);
    expect(reads()).toBe(before);
  });
});
