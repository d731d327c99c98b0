import { within } from '../runtime/backoff.ts';
import { describe } from '../runtime/log.ts';

/**
 * - `ok`: as it should be
 * - `warning`: it works, and somebody should know
 * - `error`: something that users are promised does not work, or will not for long
 */
export type Level = 'ok' | 'warning' | 'error';

/** What was found of one thing, in words for people, and what to do about it. */
export interface Finding {
  /** what was looked at, as `nats` or `stream:MILLRACE_EVENTS`: a name that scripts may rely on */
  check: string;
  level: Level;
  says: string;
  /** absent where nothing is to be done */
  fix?: string;
}

export const ok = (check: string, says: string): Finding => ({ check, level: 'ok', says });
export const warning = (check: string, says: string, fix: string): Finding => ({ check, level: 'warning', says, fix });
export const error = (check: string, says: string, fix: string): Finding => ({ check, level: 'error', says, fix });

/** One part of an examination; whatever becomes of it, the others go on. Never rejects. */
export async function examined(check: string, msMax: number, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await within(msMax, `looking at ${check}`, look());
  } catch (failure) {
    return [error(check, `It could not be looked at: ${describe(failure)}`, 'See whether it answers at all, then look again.')];
  }
}
