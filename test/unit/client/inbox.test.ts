import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Millrace } from '../../../client/index.ts';
import { newRig, type Reply, type Rig, type ScriptedSocket } from './rig.ts';

let rig: Rig;
let client: Millrace;
/** answers to GET /v1/inbox that are still on their way */
let polls: ((answer: object) => void)[];

beforeEach(() => {
  rig = newRig();
  polls = [];
  rig.answer = ({ path }) =>
    path === '/v1/inbox/tickets'
      ? { status: 201, body: { ticket: 't' } }
      : new Promise<Reply>((resolve) => polls.push((body) => resolve({ status: 200, body })));
  client = new Millrace(rig.options);
});
afterEach(() => client.close());

const item = (sessionId: string, more: object = {}): object => ({
  sessionId,
  unread: 1,
  mentions: 0,
  head: 1,
  role: 'member',
  ...more,
});
const inbox = (rev: number, ...items: object[]): object => ({ type: 'inbox', rev, items });
const shown = (): string[] =>
  client
    .inbox()
    .getSnapshot()
    .items.map(({ sessionId }) => sessionId);
const polled = async (answer: object): Promise<void> => {
  polls.shift()?.(answer);
  await rig.pass(1);
};

/** Opens the inbox; its socket is there, and says nothing yet. */
async function opened(): Promise<ScriptedSocket> {
  client.inbox().open();
  await rig.pass(1);
  const socket = rig.sockets.at(-1);
  if (socket === undefined || polls.length === 0) throw new Error('neither socket nor poll');
  return socket;
}

describe('the inbox', () => {
  it('forgets a session that was removed between its first poll and its socket, whichever is first', async () => {
    const socket = await opened();
    expect(socket.url).toBe('wss://edge.test/v1/inbox/socket');
    await polled(inbox(7, item('a'), item('b')));
    expect(shown()).toEqual(['a', 'b']);
    // who asks with nothing is not told what was removed
    socket.says(inbox(8, item('a')));
    expect(shown()).toEqual(['a']);
  });

  it('takes a late poll for what it is', async () => {
    const socket = await opened();
    socket.says(inbox(8, item('a')));
    await polled(inbox(7, item('a'), item('b')));
    expect(shown()).toEqual(['a']);
  });

  it('keeps what later frames do not name, and drops what they say was removed', async () => {
    const socket = await opened();
    socket.says(inbox(7, item('a'), item('b')));
    socket.says(inbox(8, item('c')));
    expect(shown()).toEqual(['a', 'b', 'c']);
    const { role: _none, ...gone } = item('b', { removed: true }) as { role: string };
    socket.says(inbox(9, gone));
    expect(shown()).toEqual(['a', 'c']);
  });

  it('resumes from its revision, and keeps what the first frame does not name', async () => {
    const first = await opened();
    first.says(inbox(7, item('a'), item('b')));
    first.closes(1012);
    await rig.pass(10_000);
    const second = rig.sockets.at(-1);
    expect(second?.url).toBe('wss://edge.test/v1/inbox/socket?after=7');
    second?.says(inbox(8, item('b', { unread: 2 })));
    expect(shown()).toEqual(['a', 'b']);
  });
});
