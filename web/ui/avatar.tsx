import type { UserAnswer } from '../../client/index.ts';

const TINTS = 8;

/** The name that people know somebody by. */
export function nameOf({ id, name }: UserAnswer): string {
  return name ?? decoded(id);
}

/** Local sign-in makes ids of names, percent-encoded. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

/** The first letters of the first two words. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.slice(0, 2).map((word) => String.fromCodePoint(word.codePointAt(0) ?? 0));
  return letters.join('').toUpperCase() || '?';
}

/** The same user has the same colour everywhere. */
export function tintOf(id: string): number {
  let hash = 7;
  for (const char of id) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return hash % TINTS;
}

interface AvatarProps {
  user: UserAnswer;
  size?: 'small';
  presence?: 'online' | 'away' | 'offline' | undefined;
}

/** For the eye: the name stands beside it. */
export function Avatar({ user, size, presence }: AvatarProps) {
  return (
    <span className="avatar" aria-hidden="true" data-tint={tintOf(user.id)} data-kind={user.kind} data-size={size}>
      {initialsOf(nameOf(user))}
      {presence !== undefined && <span className="presence" data-status={presence} />}
    </span>
  );
}
