import { SignJWT } from 'jose';

/** A token of the system under test, good for an hour. */
export function tokenOf(user: string, secret: string): Promise<string> {
  const key = new TextEncoder().encode(secret);
  return new SignJWT({ name: user })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(key);
}

/** The user of a room's socket `index`; the first one owns the room. */
export function userId(index: number): string {
  return `bench-${index}`;
}
