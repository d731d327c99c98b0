import { z } from 'zod';
import { rebuildProgress } from '../../shared/contract/system.ts';

/** What a process of the consumers says of itself (PULSE_SUBJECT). Times are epoch milliseconds. */

export const roleReport = z.object({
  role: z.string(),
  /** `starting`: something that it needs is not there yet */
  state: z.enum(['starting', 'running']),
  sinceMs: z.number(),
  /** of a role that writes to a store: could it, when it was last looked at */
  store: z.object({ isUp: z.boolean(), sinceMs: z.number() }).exactOptional(),
});
export type RoleReport = z.infer<typeof roleReport>;

export const processReport = z.object({
  v: z.literal(1),
  /** names the process among the others */
  worker: z.string(),
  roles: z.array(roleReport),
  rebuilds: z.array(rebuildProgress),
});
export type ProcessReport = z.infer<typeof processReport>;
