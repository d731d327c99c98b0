import type { Env } from '../env.ts';
import { placementOf } from '../placement.ts';
import type { SessionApi, SessionIdentity } from './api.ts';

/** What others may do with a Session: its RPC, and the hand-over of an upgrade. */
export type SessionStub = Pick<SessionApi, keyof SessionApi> & { fetch(request: Request): Promise<Response> };

/** A new stub each time: one that failed stays broken. Ids hold no `/`, so the name cannot be mistaken. */
export function sessionStub(env: Env, { tenant, sessionId }: SessionIdentity): SessionStub {
  const { jurisdiction, locationHint } = placementOf(env, tenant);
  const namespace = jurisdiction === undefined ? env.SESSION : env.SESSION.jurisdiction(jurisdiction);
  const id = namespace.idFromName(`${tenant}/${sessionId}`);
  return namespace.get(id, locationHint === undefined ? {} : { locationHint });
}
