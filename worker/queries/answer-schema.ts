import { z } from 'zod';
import type { QueryAnswer } from '../../shared/contract/internal.ts';
import { SEQ_MAX } from '../../shared/core/limits.ts';
import type { Event } from '../../shared/core/types.ts';

/** What the edge believes of the store's answers: they come over a network, from a part that is deployed apart. */
const seq = z.int().min(1).max(SEQ_MAX);
const metadata = z.record(z.string(), z.unknown());
const clock = z.string().regex(/^[0-9]{1,20}$/);

const event = z.looseObject({
  type: z.string(),
  subject: z.string(),
  tenant: z.string(),
  sessionid: z.string(),
  seq,
  clock,
  data: z.record(z.string(), z.unknown()),
});

const storedMessage = z.object({
  id: z.string(),
  seq,
  author: z.string(),
  role: z.enum(['user', 'assistant', 'system', 'tool']),
  text: z.string(),
  status: z.enum(['completed', 'cancelled', 'failed']),
  toolCallId: z.string().optional(),
  mentions: z.array(z.string()),
  metadata,
  editedAt: z.string().optional(),
  deletedAt: z.string().optional(),
  version: clock,
});

const answer = z.discriminatedUnion('op', [
  z.object({ ok: z.literal(true), op: z.literal('health') }),
  z.object({ ok: z.literal(true), op: z.literal('events'), events: z.array(event) }),
  z.object({ ok: z.literal(true), op: z.literal('eventsAt'), events: z.array(event) }),
  z.object({ ok: z.literal(true), op: z.literal('messages'), messages: z.array(storedMessage) }),
]);

export type StoreAnswer = Extract<QueryAnswer, { op: 'health' | 'events' | 'eventsAt' | 'messages' }>;

/** The answer in its type, or undefined when it is a refusal or makes no sense. */
export function parseAnswer(payload: string): StoreAnswer | undefined {
  try {
    const parsed = answer.safeParse(JSON.parse(payload));
    if (!parsed.success) return undefined;
    if (parsed.data.op !== 'events' && parsed.data.op !== 'eventsAt') return parsed.data as StoreAnswer;
    // the envelope was checked as far as the edge looks at it; the rest is what the edge itself once wrote
    return { ...parsed.data, events: parsed.data.events as unknown as Event[] };
  } catch {
    return undefined;
  }
}
