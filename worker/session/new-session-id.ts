import { v7 } from 'uuid';
import { uuidV8 } from '../../shared/core/ids.ts';

/**
 * The id of a session to be created. Derived when there is a key and no id, so that a retry finds the same session (contract §1).
 * JSON of an array keeps the parts apart: no choice of tenant, actor and key can look like another.
 */
export async function newSessionId(tenant: string, actorId: string, idempotencyKey: string | undefined): Promise<string> {
  if (idempotencyKey === undefined) return v7();
  const source = JSON.stringify(['millrace.session.create', tenant, actorId, idempotencyKey]);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(source));
  return uuidV8(new Uint8Array(digest));
}
