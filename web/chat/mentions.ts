import type { ClientMessage, MemberAnswer } from '../../client/index.ts';
import { nameOf } from '../ui/avatar.tsx';

/** how many may be mentioned in one message (contract: 50) */
const MENTIONS_MAX = 50;
/** how many are offered */
const OFFERED_MAX = 6;

/** What may stand after an @, and whom it means: names and ids of these users. */
export function namesOf(users: readonly { id: string; name?: string }[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { id } of users) names.set(id, id);
  for (const user of users) names.set(nameOf({ ...user, kind: 'user' }), user.id);
  return names;
}

/** Whom a message mentions, by the names that members go by. */
export function mentionedIn(message: ClientMessage, members: ReadonlyMap<string, MemberAnswer>): ReadonlyMap<string, string> {
  return namesOf(message.mentions.map((id) => members.get(id)?.user ?? { id }));
}

/** The ids of the members whose name stands in the text after an @. */
export function mentionsOf(text: string, members: readonly MemberAnswer[]): string[] {
  const lower = text.toLowerCase();
  const found = members.filter(({ user }) => [nameOf(user), user.id].some((name) => isNamedIn(lower, `@${name.toLowerCase()}`)));
  return found.slice(0, MENTIONS_MAX).map(({ user }) => user.id);
}

/** Whether it stands there as a word of its own: in `@anna and @ann` ann is named, though the first `@ann` is not her. */
function isNamedIn(text: string, wanted: string): boolean {
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
    if (!/[\p{L}\p{N}_]/u.test(text[at + wanted.length] ?? ' ')) return true;
  }
  return false;
}

/** What is being typed after an @ that stands before the caret, or undefined. */
export function mentionAt(text: string, caret: number): { from: number; query: string } | undefined {
  const match = /(?:^|[\s(])@([^\s@]{0,40})$/u.exec(text.slice(0, caret));
  const query = match?.[1];
  return query === undefined ? undefined : { from: caret - query.length - 1, query };
}

/** Members whose name or id begins with it, or has a word that does; oneself last. */
export function offersFor(query: string, members: readonly MemberAnswer[], me: string): MemberAnswer[] {
  const wanted = query.toLowerCase();
  const fits = ({ user }: MemberAnswer): boolean =>
    [user.id, ...nameOf(user).split(/\s+/), nameOf(user)].some((word) => word.toLowerCase().startsWith(wanted));
  return members
    .filter(fits)
    .sort((a, b) => Number(a.user.id === me) - Number(b.user.id === me))
    .slice(0, OFFERED_MAX);
}
