import { z } from 'zod';
import type { LiveSignal } from './live-events.ts';

const chunks = z.looseObject({ messageId: z.string(), index: z.int(), lastIndex: z.int(), text: z.string() });

/**
 * Two frames of one stream as one, so that whoever is slow gets fewer and longer ones, never a hole. Undefined when they are
 * of different streams or no frames of streams at all. `added`: the text that the one that waited grew by; absent when the
 * next takes its place.
 */
export function joinedChunks(waiting: LiveSignal, next: LiveSignal): { signal: LiveSignal; added?: string } | undefined {
  if (waiting.name !== 'stream' || next.name !== 'stream') return undefined;
  const [before, after] = [chunks.safeParse(waiting['data']), chunks.safeParse(next['data'])];
  if (!before.success || !after.success || before.data.messageId !== after.data.messageId) return undefined;
  // index 0 begins anew: what waited is in it
  if (after.data.index === 0) return { signal: next };
  if (after.data.index !== before.data.lastIndex + 1) return undefined;
  const { lastIndex, text } = after.data;
  return { signal: { ...next, data: { ...before.data, lastIndex, text: before.data.text + text } }, added: text };
}
