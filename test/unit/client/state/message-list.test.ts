import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { MessageList } from '../../../../client/state/message-list.ts';
import { reacted, type ClientMessage } from '../../../../client/state/rows.ts';
import type { Event, MessageAnswer, WholeEventOf } from '../../../../client/wire.ts';

const TIME = '2026-01-01T00:00:00.000Z';
const envelope = (seq: number): Record<string, unknown> => ({
  seq,
  sessionid: 's',
  time: TIME,
  actor: 'ann',
  actorkind: 'user',
  id: `e${seq}`,
});

const created = (seq: number, id: string, parentId?: string): WholeEventOf<'message.created'> =>
  ({
    ...envelope(seq),
    type: 'message.created',
    subject: id,
    data: {
      id,
      text: id,
      role: 'user',
      status: 'completed',
      mentions: [],
      metadata: {},
      createdAt: TIME,
      ...(parentId === undefined ? {} : { parentId }),
    },
  }) as unknown as WholeEventOf<'message.created'>;

const answer = (id: string, seq: number, more: Partial<MessageAnswer> = {}): MessageAnswer => ({
  id,
  sessionId: 's',
  seq,
  author: { id: 'ann', kind: 'user' },
  role: 'user',
  text: id,
  status: 'completed',
  replyCount: 0,
  mentions: [],
  reactions: [],
  createdAt: TIME,
  metadata: {},
  attachments: [],
  ...more,
});

let list: MessageList;

beforeEach(() => {
  list = new MessageList(() => 'ann');
  list.extent = { floor: 0, nextCursor: undefined };
});

const replies = (id: string): number | undefined => list.get(id)?.replyCount;

describe('what must be counted once', () => {
  it('is left out when the page has it, and added when the page cannot have it', () => {
    list.merge([answer('m', 1, { replyCount: 2 })], 10, 10, []);
    list.created(created(9, 'old', 'm'));
    expect(replies('m')).toBe(2);
    list.created(created(11, 'new', 'm'));
    expect([replies('m'), list.stale.size]).toEqual([3, 0]);
  });

  it('is read again when nobody can tell', () => {
    list.merge([answer('m', 1, { replyCount: 2 })], 10, 12, []);
    list.created(created(11, 'reply', 'm'));
    expect([replies('m'), [...list.stale]]).toEqual([2, [['m', 12]]]);
    list.replace(answer('m', 1, { replyCount: 3 }), 12, 12, []);
    expect([replies('m'), list.stale.size]).toEqual([3, 0]);
  });

  it('is read again when it came while the page was on its way', () => {
    const reply = created(11, 'reply', 'm');
    list.created(reply);
    list.merge([answer('m', 1)], 10, 12, [reply]);
    expect([...list.stale.keys()]).toEqual(['m']);
  });
});

describe('a reply that was created and deleted unseen', () => {
  const erasedCreation = (seq: number, id: string): Event =>
    ({ ...envelope(seq), type: 'message.created', subject: id, data: { id, erased: true } }) as unknown as Event;
  const gone = (seq: number, id: string, messageSeq: number): WholeEventOf<'message.deleted'> =>
    ({
      ...envelope(seq),
      type: 'message.deleted',
      subject: id,
      data: { id, messageSeq, author: 'ann', role: 'user', parentId: 'm', mentions: [], createdAt: TIME },
    }) as unknown as WholeEventOf<'message.deleted'>;

  it('is counted though the list does not reach back to it', () => {
    list.extent = { floor: 26, nextCursor: '26' };
    list.created(created(20, 'm'));
    list.createdErased('reply');
    list.deleted(gone(24, 'reply', 22));
    expect([replies('m'), list.get('reply')]).toEqual([1, undefined]);
  });

  it('is counted though a page brought its row in between', () => {
    list.created(created(20, 'm'));
    list.createdErased('reply');
    list.merge([answer('reply', 22, { parentId: 'm', text: '', deletedAt: TIME })], 22, 24, []);
    list.deleted(gone(24, 'reply', 22));
    expect(replies('m')).toBe(1);
  });

  it('is counted once when it was seen whole', () => {
    list.created(created(20, 'm'));
    list.created(created(22, 'reply', 'm'));
    list.deleted(gone(24, 'reply', 22));
    expect(replies('m')).toBe(1);
  });

  it('is counted in a page that was on its way, unless that has it', () => {
    const since = [erasedCreation(22, 'reply'), gone(24, 'reply', 22)];
    list.createdErased('reply');
    list.deleted(gone(24, 'reply', 22));
    list.merge([answer('m', 20)], 21, 21, since);
    expect([replies('m'), list.stale.has('m')]).toEqual([1, false]);
    list.replace(answer('m', 20, { replyCount: 1 }), 21, 24, since);
    expect([replies('m'), list.stale.get('m')]).toEqual([1, 24]);
    list.replace(answer('m', 20, { replyCount: 1 }), 24, 24, []);
    expect([replies('m'), list.stale.has('m')]).toEqual([1, false]);
  });
});

describe('a list of messages', () => {
  it('shows a page and later events oldest first, and the very same array until something changes', () => {
    list.merge([answer('b', 2), answer('a', 1)], 2, 2, []);
    list.created(created(3, 'c'));
    const all = list.all();
    expect(all.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(list.all()).toBe(all);
  });

  it('shows of the messages that threads brought only those that it reaches back to', () => {
    list.extent = { floor: 5, nextCursor: 'older' };
    list.threads.set('m', { floor: 2, nextCursor: undefined });
    list.merge([answer('reply', 3, { parentId: 'm' }), answer('newer', 6)], 6, 6, []);
    expect([list.all().map(({ id }) => id), list.thread('m').map(({ id }) => id)]).toEqual([['newer'], ['reply']]);
  });

  it('keeps a later edit when an earlier one comes', () => {
    list.merge([answer('m', 1, { text: 'second', editedAt: '2026-01-01T00:00:05.000Z' })], 5, 9, []);
    list.updated({
      ...envelope(6),
      time: '2026-01-01T00:00:03.000Z',
      data: { id: 'm', text: 'first' },
    } as WholeEventOf<'message.updated'>);
    expect(list.get('m')?.text).toBe('second');
  });

  it('keeps a place for what was created and deleted unseen', () => {
    const data = { id: 'gone', messageSeq: 4, author: 'ben', role: 'user', mentions: [], createdAt: TIME };
    list.deleted({ ...envelope(7), type: 'message.deleted', data } as unknown as WholeEventOf<'message.deleted'>);
    expect(list.all()).toMatchObject([{ id: 'gone', seq: 4, text: '', deletedAt: TIME, author: { id: 'ben' } }]);
    expect([...list.stale.keys()], 'and reads it, as replies to it were not counted').toEqual(['gone']);
  });
});

describe('reactions', () => {
  const users = Array.from({ length: 30 }, (_, at) => `user-${at}`);

  it('come to what the server counts, whatever comes twice while all are named', () => {
    const change = fc.record({
      emoji: fc.constantFrom('👍', ':x:'),
      userId: fc.constantFrom(...users.slice(0, 15), 'ann'),
      added: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change), fc.boolean(), (changes, twice) => {
        const held = new Map<string, Set<string>>();
        let message: ClientMessage = { ...answer('m', 1), state: 'sent' };
        for (const each of changes) {
          const of = held.get(each.emoji) ?? new Set();
          held.set(each.emoji, of);
          if (each.added) of.add(each.userId);
          else of.delete(each.userId);
          message = reacted(message, each, 'ann');
          if (twice) message = reacted(message, each, 'ann');
        }
        const shown = new Map(
          message.reactions.map(({ emoji, count, mine, userIds }) => [emoji, { count, mine, userIds: userIds.toSorted() }]),
        );
        const expected = [...held].filter(([, of]) => of.size > 0);
        expect(shown.size).toBe(expected.length);
        for (const [emoji, of] of expected) {
          expect(shown.get(emoji)).toEqual({ count: of.size, mine: of.has('ann'), userIds: [...of].toSorted() });
        }
      }),
    );
  });

  it('name 20 users and count all', () => {
    let message: ClientMessage = { ...answer('m', 1), state: 'sent' };
    for (const userId of users) message = reacted(message, { emoji: '👍', userId, added: true }, 'ann');
    expect(message.reactions).toMatchObject([{ emoji: '👍', count: 30, mine: false, userIds: users.slice(0, 20) }]);
    message = reacted(message, { emoji: '👍', userId: 'user-29', added: false }, 'ann');
    expect(message.reactions[0]?.count).toBe(29);
  });
});
