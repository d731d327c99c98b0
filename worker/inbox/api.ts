import type { InboxAnswer } from '../../shared/contract/answers.ts';
import type { InboxChange } from '../../shared/core/inbox.ts';
import type { Actor } from '../../shared/core/types.ts';
import type { Result } from '../session/api.ts';

/** What Worker and Sessions ask of an Inbox object over RPC: one per tenant and user. */

export interface InboxIdentity {
  tenant: string;
  userId: string;
}

export interface InboxPage {
  /** newest activity first */
  items: InboxChange[];
  nextCursor?: string;
}

export interface InboxApi {
  /** In any order and any number of times: see mergeInbox. */
  take(identity: InboxIdentity, changes: readonly InboxChange[]): Promise<void>;
  /** The sessions that the user is a member of. A cursor that was not made here is refused as invalid_request. */
  page(identity: InboxIdentity, query: { cursor?: string; limit: number }): Promise<Result<InboxPage>>;
  /** Ids of the sessions that the user is a member of, the last active ones first. */
  sessionIds(identity: InboxIdentity, limit: number): Promise<string[]>;
  /** What changed after `after`; all that there is for 0, and for a rev from the future. */
  since(identity: InboxIdentity, after: number): Promise<InboxAnswer>;
  /** What the inbox knows of one session; undefined: nothing */
  entry(identity: InboxIdentity, sessionId: string): Promise<InboxChange | undefined>;
  issueTicket(
    identity: InboxIdentity,
    actor: Actor,
    tokenExpiresAtMs: number,
  ): Promise<Result<{ ticket: string; expiresAt: string }>>;
}
