import type { SessionKey } from '../stores/history/port.ts';

/**
 * - `missing`: it was accepted, and is not there;
 * - `different`: it is there, and says something else;
 * - `extra`: it is there, and nobody accepted it;
 * - `lost`: it is missing in the archive, and no copy is left anywhere.
 */
export type FindingKind = 'missing' | 'different' | 'extra' | 'lost';
export const FINDING_KINDS: readonly FindingKind[] = ['missing', 'different', 'extra', 'lost'];

/** One thing that is not as it should be. `mend` puts it right, where that is known; `attempt` counts from 1. */
export interface Finding {
  /** `archive`, `stream`, or the name of a read model */
  tier: string;
  kind: FindingKind;
  /** a seq of archive or stream, a row of a table, the inbox of a user */
  place: string;
  detail: string;
  mend?: (attempt: number) => Promise<void>;
}

/** What a look at one session counted. */
export interface Counts {
  /** accepted: seqs from 1 to the head */
  events: number;
  /** accepted, and on their way */
  pending: number;
  /** trimmed before the edge kept digests: there, and nobody can say whether as it was */
  unverifiable: number;
}

/** A dead letter accounts for what is missing because of it. */
export interface AccountedLetter {
  consumer: string;
  seq: number;
  reason: string;
}

export interface SessionReport extends SessionKey {
  /** absent where the edge knows no such session */
  epoch?: string;
  head: number;
  persisted: number;
  counts: Counts;
  deadLetters: AccountedLetter[];
  /** read models that events of it are still on their way to: not compared */
  behind: string[];
  /** what an audit found, by kind; more than `findings` where those are cut */
  found: Record<FindingKind, number>;
  findings: Omit<Finding, 'mend'>[];
  /** one look found as much as it may: there may be more */
  isCut?: boolean;
  /** what a repair put right, in this audit */
  mended: number;
  /** why it could not be looked at to the end */
  failure?: string;
}

/** Two looks found the same: what was on its way at the first is not there at the second, or not the same. */
export function nameOf({ tier, kind, place, detail }: Finding): string {
  return [tier, kind, place, detail].join('\n');
}

export function isClean({ found, failure, isCut }: SessionReport): boolean {
  return failure === undefined && isCut !== true && FINDING_KINDS.every((kind) => found[kind] === 0);
}
