import { z } from 'zod';

/** The lines of an export, as docs/migration.md describes them. What the edge decides (lengths, rights) is not checked twice. */

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of A–Z a–z 0–9 _ -');
const user = z.string().regex(/^[!-.0-~]{1,128}$/, 'must be 1 to 128 printable ASCII characters without / and space');
const metadata = z.record(z.string(), z.unknown());

const session = z.strictObject({
  type: z.literal('session'),
  id,
  title: z.string(),
  owner: user,
  description: z.string().optional(),
  visibility: z.enum(['private', 'public']).optional(),
  metadata: metadata.optional(),
});
const member = z.strictObject({
  type: z.literal('member'),
  session: id,
  user,
  /** `left`: was one, and is no more */
  role: z.enum(['owner', 'member', 'viewer', 'left']),
});
const message = z.strictObject({
  type: z.literal('message'),
  session: id,
  id,
  author: user,
  authorKind: z.enum(['user', 'agent', 'system']).optional(),
  text: z.string(),
  createdAt: z.iso.datetime({ offset: true }),
  parentId: id.optional(),
  role: z.enum(['user', 'assistant', 'system', 'tool']).optional(),
  name: z.string().optional(),
  toolCallId: z.string().optional(),
  mentions: z.array(user).optional(),
  metadata: metadata.optional(),
});
const reaction = z.strictObject({ type: z.literal('reaction'), session: id, message: id, user, emoji: z.string() });

export const exportLine = z.discriminatedUnion('type', [session, member, message, reaction]);
export type ExportLine = z.infer<typeof exportLine>;
export type SessionLine = z.infer<typeof session>;

export function sessionOf(line: ExportLine): string {
  return line.type === 'session' ? line.id : line.session;
}

/** Throws an Error of one line that says what is wrong. */
export function parseLine(text: string): ExportLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it is no JSON');
  }
  const parsed = exportLine.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.map(String).join('.') || 'the line'}: ${issue?.message}`);
}
