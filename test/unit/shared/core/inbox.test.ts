import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mentionsOf, inboxFault, mergeInbox, unreadOf, type InboxChange } from '../../../../shared/core/inbox.ts';
import { INBOX_COUNT_MAX } from '../../../../shared/core/limits.ts';

const change = (more: Partial<InboxChange> = {}): InboxChange => ({
  sessionId: 's1',
  head: 1,
  headOrdinal: 0,
  activity: 1_000,
  role: 'member',
  readOrdinal: 0,
  mentions: [],
  ...more,
});

describe('counts', () => {
  test('unread is what lies between the ordinals, up to 100', () => {
    expect(unreadOf(change({ headOrdinal: 7, readOrdinal: 3 }))).toBe(4);
    expect(unreadOf(change({ headOrdinal: 99 }))).toBe(99);
    expect(unreadOf(change({ headOrdinal: 100 }))).toBe(100);
    expect(unreadOf(change({ headOrdinal: 100_000 }))).toBe(100);
  });
  test('a pointer that ran ahead of what is known leaves nothing unread', () => {
    expect(unreadOf(change({ headOrdinal: 3, readOrdinal: 9 }))).toBe(0);
  });
  test('mentions end at 100 too', () => {
    expect(mentionsOf(change({ mentions: [2, 5] }))).toBe(2);
    expect(mentionsOf(change({ mentions: Array.from({ length: 130 }, (_, at) => at) }))).toBe(100);
  });
});

describe('merging', () => {
  test('what tells nothing new is what is known itself', () => {
    const known = change({ head: 5, readOrdinal: 3 });
    expect(mergeInbox(known, change({ head: 5, readOrdinal: 2 }))).toBe(known);
    expect(mergeInbox(known, { ...known })).toBe(known);
  });
  test('a late read pointer is taken from an old change', () => {
    const known = change({ head: 9, headOrdinal: 6, mentions: [2, 4, 6] });
    expect(mergeInbox(known, change({ head: 5, headOrdinal: 4, readOrdinal: 4 }))).toEqual({
      ...known,
      readOrdinal: 4,
      mentions: [6],
    });
  });
  test('who was removed comes back only by a newer head', () => {
    const removed = change({ head: 9, role: null });
    expect(mergeInbox(removed, change({ head: 8 })).role).toBeNull();
    expect(mergeInbox(removed, change({ head: 10 })).role).toBe('member');
  });
});

type Step = { kind: 'message'; mentions: boolean } | { kind: 'delete'; pick: number } | { kind: 'read' } | { kind: 'leave' };

/** What a Session says at each step of its life, of one of its users. */
function lifeOf(steps: readonly Step[]): InboxChange[] {
  let head = 1;
  let headOrdinal = 0;
  let readOrdinal = 0;
  let role: 'member' | null = 'member';
  let mentions: number[] = [];
  return steps.map((step) => {
    if (step.kind !== 'read') head += 1;
    if (step.kind === 'message') {
      headOrdinal += 1;
      if (step.mentions && role !== null) mentions.push(headOrdinal);
    }
    if (step.kind === 'delete') mentions = mentions.filter((ordinal) => ordinal % 7 !== step.pick);
    if (step.kind === 'read' && role !== null) readOrdinal = headOrdinal - (headOrdinal % 3);
    if (step.kind === 'leave') {
      role = role === null ? 'member' : null;
      mentions = [];
    }
    mentions = mentions.filter((ordinal) => ordinal > readOrdinal);
    const about = { head, activity: head * 1_000, role };
    return role === null
      ? change(about)
      : change({ ...about, headOrdinal, readOrdinal, mentions: mentions.slice(-INBOX_COUNT_MAX) });
  });
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('message' as const), mentions: fc.boolean() }), weight: 8 },
  { arbitrary: fc.record({ kind: fc.constant('delete' as const), pick: fc.nat(6) }), weight: 1 },
  { arbitrary: fc.constant({ kind: 'read' as const }), weight: 2 },
  { arbitrary: fc.constant({ kind: 'leave' as const }), weight: 1 },
);

/** Deliveries in an order of their own, some of them more than once. */
const deliveries = fc
  .array(step, { minLength: 1, maxLength: 300 })
  .chain((steps) =>
    fc.tuple(fc.constant(steps), fc.shuffledSubarray([...steps.keys(), ...steps.keys()], { minLength: steps.length })),
  );

test('property: any order and any repetition ends in the same, and in what the last one said', () => {
  fc.assert(
    fc.property(deliveries, ([steps, order]) => {
      const life = lifeOf(steps);
      // each at least once, in whatever order
      const delivered = [...order, ...life.keys()].map((at) => life[at] as InboxChange);
      const inOrder = life.reduce<InboxChange | undefined>(mergeInbox, undefined);
      const shuffled = delivered.reduce<InboxChange | undefined>(mergeInbox, undefined);
      expect(shuffled).toEqual(inOrder);
      const last = life.at(-1) as InboxChange;
      if (last.role === null) expect(shuffled?.role).toBeNull();
      else expect({ ...shuffled }).toEqual(last);
    }),
    { numRuns: 300 },
  );
});

test('property: what was left out is made up for by the newest', () => {
  fc.assert(
    fc.property(deliveries, ([steps, order]) => {
      const life = lifeOf(steps);
      const last = life.at(-1) as InboxChange;
      const some = [...order.slice(0, 5).map((at) => life[at % life.length] as InboxChange), last];
      const merged = some.reduce<InboxChange | undefined>(mergeInbox, undefined);
      if (last.role !== null) expect(merged).toEqual(last);
    }),
  );
});

describe('what an audit says of an inbox', () => {
  const right: InboxChange = {
    sessionId: 's',
    head: 9,
    headOrdinal: 7,
    activity: 9,
    role: 'member',
    readOrdinal: 5,
    mentions: [6],
  };
  test.each<[string, InboxChange | undefined, Partial<InboxChange>, string | undefined]>([
    ['the same', right, {}, undefined],
    ['reactions since, of which no inbox hears', { ...right, head: 8, activity: 8 }, {}, undefined],
    ['nothing', undefined, {}, 'not listed'],
    ['nothing of one that is left', undefined, { role: null }, undefined],
    ['one that is left', right, { role: null }, 'still listed'],
    ['a message too few', { ...right, headOrdinal: 6 }, {}, 'unread is 1 instead of 2'],
    [
      'another role, and no mention',
      { ...right, role: 'viewer', mentions: [] },
      {},
      'role is viewer instead of member, mentions is 0 instead of 1',
    ],
    ['reads beyond the last hundred', { ...right, headOrdinal: 500, readOrdinal: 300 }, { headOrdinal: 500 }, undefined],
  ])('%s', (_what, known, session, detail) => {
    expect(inboxFault(known, { ...right, ...session })?.detail).toBe(detail);
  });
});
