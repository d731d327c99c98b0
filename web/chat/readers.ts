import type { ClientMessage, MemberAnswer } from '../../client/index.ts';

/** By message: the members who have read up to it and no further. Who wrote it has read it anyway. */
export function readersOf(
  messages: readonly ClientMessage[],
  members: readonly MemberAnswer[],
  me: string,
): ReadonlyMap<string, readonly MemberAnswer[]> {
  const readers = new Map<string, MemberAnswer[]>();
  for (const member of members) {
    if (member.user.id === me) continue;
    const message = lastUpTo(messages, member.readSeq);
    if (message === undefined || message.author.id === member.user.id) continue;
    readers.set(message.id, [...(readers.get(message.id) ?? []), member]);
  }
  return readers;
}

/** Messages that are sent are in the order of their seqs, and those that are not stand behind them. */
function lastUpTo(messages: readonly ClientMessage[], seq: number): ClientMessage | undefined {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const message = messages[middle];
    if (message?.state === 'sent' && message.seq <= seq) low = middle + 1;
    else high = middle;
  }
  return messages[low - 1];
}
