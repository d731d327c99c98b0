import { beforeEach, describe, expect, it } from 'vitest';
import { CommandProgress } from '../../../client/command-progress.ts';
import { Millrace } from '../../../client/index.ts';
import { SEARCH_PAUSE_MS, STATUS_ASKS_MAX } from '../../../client/net/bounds.ts';
import { Searching } from '../../../client/searching.ts';
import { newRig, type Reply, type Rig } from './rig.ts';

let rig: Rig;
let client: Millrace;

beforeEach(() => {
  rig = newRig();
  client = new Millrace(rig.options);
});

const hit = (id: string): object => ({ message: { id }, highlight: id, score: 1 });
const asked = (): string[] => rig.requests.map(({ path }) => decodeURIComponent(path.replace(/^.*\?/, '')));

describe('a search', () => {
  let search: Searching;
  const shown = (): string[] => search.getSnapshot().items.map(({ message }) => message.id);
  beforeEach(() => {
    search = client.extend((environment, http) => new Searching(environment, http));
    rig.answer = ({ path }) =>
      path.includes('cursor=n')
        ? { status: 200, body: { items: [hit('b'), hit('c')], total: 3, asOf: '' } }
        : { status: 200, body: { items: [hit('a'), hit('b')], total: 3, nextCursor: 'n', asOf: '' } };
  });

  it('waits until nobody types any more, and asks once', async () => {
    for (const q of ['w', 'wa', 'water']) {
      search.ask({ q });
      await rig.pass(SEARCH_PAUSE_MS / 2);
    }
    await rig.pass(SEARCH_PAUSE_MS);
    expect(asked()).toEqual(['q=water']);
    expect(search.getSnapshot()).toMatchObject({ status: 'done', total: 3, hasMore: true });
  });

  it('has further pages, and each hit once', async () => {
    search.ask({ q: 'water' });
    await rig.pass(SEARCH_PAUSE_MS + 10);
    await Promise.all([search.loadMore(), rig.pass(10)]);
    expect(shown()).toEqual(['a', 'b', 'c']);
    expect(search.getSnapshot().hasMore).toBe(false);
    await search.loadMore();
    expect(asked()).toHaveLength(2);
  });

  it('forgets an answer that comes after another question', async () => {
    let late: (reply: Reply) => void = () => {};
    rig.answer = () => new Promise((resolve) => (late = resolve));
    search.ask({ q: 'old' });
    await rig.pass(SEARCH_PAUSE_MS + 10);
    search.ask({ q: ' ' });
    late({ status: 200, body: { items: [hit('a')], total: 1, asOf: '' } });
    await rig.pass(1_000);
    expect(search.getSnapshot()).toMatchObject({ status: 'idle', items: [] });
  });

  it('says why it failed', async () => {
    rig.answer = () => ({ status: 400, body: { code: 'invalid_request', detail: 'no', status: 400 } });
    search.ask({ q: 'x' });
    await rig.pass(SEARCH_PAUSE_MS + 10);
    expect(search.getSnapshot()).toMatchObject({ status: 'done', error: { code: 'invalid_request' } });
  });
});

describe('the progress of a command', () => {
  let statuses: string[];
  let progress: CommandProgress;
  beforeEach(() => {
    statuses = ['accepted', 'accepted', 'published', 'persisted'];
    rig.answer = () => ({ status: 200, body: { status: statuses.length > 1 ? statuses.shift() : statuses[0] } });
    progress = client.extend((environment, http) => new CommandProgress(environment, http, 's', 'c'));
  });

  it('is followed until it is stored for good, and then no further', async () => {
    progress.open();
    await rig.pass(60_000);
    expect(progress.getSnapshot()?.status).toBe('persisted');
    expect(rig.requests).toHaveLength(4);
  });

  it('is asked for only while somebody looks, and not without end', async () => {
    statuses = ['accepted'];
    const release = progress.open();
    await rig.pass(1_000);
    release();
    const before = rig.requests.length;
    await rig.pass(60_000);
    expect(rig.requests.length).toBeLessThanOrEqual(before + 1);
    progress.open();
    await rig.pass(3_600_000);
    expect(rig.requests).toHaveLength(STATUS_ASKS_MAX);
  });

  it('ends where it may not be known', async () => {
    rig.answer = () => ({ status: 404, body: { code: 'not_found', detail: 'no', status: 404 } });
    progress.open();
    await rig.pass(60_000);
    expect(rig.requests).toHaveLength(1);
    expect(progress.getSnapshot()).toBeUndefined();
  });
});
