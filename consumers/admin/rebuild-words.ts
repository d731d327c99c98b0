import { z } from 'zod';

/** What a rebuild in a process of its own and who started it say to each other, over the channel between them. */

export const rebuildSaid = z.discriminatedUnion('kind', [
  /** it is the only one of its read model, and changes nothing before it hears GO */
  z.object({ kind: z.literal('claimed') }),
  z.object({
    kind: z.literal('progress'),
    phase: z.enum(['letters', 'archive', 'stream', 'swap', 'clear']),
    done: z.number(),
    events: z.int(),
  }),
  z.object({ kind: z.literal('serves'), events: z.int() }),
  z.object({ kind: z.literal('refused'), why: z.string() }),
  /** it was told to end, and everything is as it was */
  z.object({ kind: z.literal('cancelled') }),
]);
export type RebuildSaid = z.infer<typeof rebuildSaid>;

export const GO = 'go';
