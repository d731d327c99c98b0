import { expect, test } from 'vitest';
import { v7 } from 'uuid';
import type { InboxChange } from '../../shared/core/inbox.ts';
import { InboxUser } from './inbox-support.ts';

/** Sessions that the inbox knows of and that nobody looks at; older than any that is really made. */
function others(count: number): InboxChange[] {
  return Array.from({ length: count }, (_, at) => ({
    sessionId: `other-${at}`,
    head: at + 1,
    headOrdinal: at,
    activity: 1_000 + at,
    role: 'member',
    readOrdinal: at - (at % 7),
    mentions: at % 7 === 0 ? [] : [at],
  }));
}

test('pages join, whatever moves to the front meanwhile', async () => {
  const user = new InboxUser(`pages-${v7()}`);
  const identity = { tenant: 'default', userId: user.id };
  await user.stub().take(identity, others(95));
  const seen: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; ; page += 1) {
    const answer = await user.stub().page(identity, { limit: 10, ...(cursor === undefined ? {} : { cursor }) });
    if (!answer.ok) throw new Error(answer.refusal.code);
    seen.push(...answer.value.items.map(({ sessionId }) => sessionId));
    cursor = answer.value.nextCursor;
    if (cursor === undefined) break;
    // one that was seen, and no other, moves
    const moved = others(95).find(({ sessionId }) => sessionId === seen[page]) as InboxChange;
    await user.stub().take(identity, [{ ...moved, head: 1_000 + page, activity: 1_000_000 + page }]);
  }
  expect(seen).toEqual(
    others(95)
      .map(({ sessionId }) => sessionId)
      .toReversed(),
  );
});
