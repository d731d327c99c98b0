/**
 * Opaque page cursors: a kind, the session, user or tenant they belong to (as a check) and a position. They hold no secret; the
 * check only tells a cursor that we made from one that we did not (contract §2: 400).
 */
export type CursorKind =
  | 'messages'
  | 'members'
  | 'sessions'
  | 'presence'
  | 'traces'
  | 'spans'
  | 'search'
  | 'letters'
  | 'redrives'
  | 'adminlog';

export function encodeCursor(kind: CursorKind, sessionId: string, position: string): string {
  const plain = `1.${kind}.${checkOf(kind, sessionId, position)}.${position}`;
  return btoa(plain).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The position, or undefined when the cursor was not made for this kind and session. */
export function decodeCursor(kind: CursorKind, sessionId: string, cursor: string): string | undefined {
  if (!/^[A-Za-z0-9_-]{1,512}$/.test(cursor)) return undefined;
  let plain: string;
  try {
    plain = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return undefined;
  }
  const match = /^1\.([a-z]+)\.([0-9a-f]{8})\.(.*)$/s.exec(plain);
  const position = match?.[3];
  if (match?.[1] !== kind || position === undefined) return undefined;
  if (match[2] !== checkOf(kind, sessionId, position)) return undefined;
  // the one spelling that encodeCursor makes: trailing bits of base64 must not give a second one
  return encodeCursor(kind, sessionId, position) === cursor ? position : undefined;
}

/** FNV-1a, 32 bits (draft-eastlake-fnv). */
function checkOf(kind: string, sessionId: string, position: string): string {
  let hash = 0x811c9dc5;
  for (const char of `${kind}/${sessionId}/${position}`) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, '0');
}
