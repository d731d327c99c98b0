import type { Env } from '../env.ts';
import type { Result, SessionIdentity } from '../session/api.ts';
import { sessionStub, type SessionStub } from '../session/stub.ts';
import { reach } from './reach.ts';
import { Refused } from './refused.ts';

/** Asks a Session: see reach. Throws the Session's refusal, or 503 when it cannot be reached. */
export async function askSession<T>(
  env: Env,
  identity: SessionIdentity,
  repeatable: boolean,
  ask: (session: SessionStub) => Promise<Result<T>>,
): Promise<T> {
  const result = await reachSession(env, identity, repeatable, ask);
  if (!result.ok) throw new Refused(result.refusal);
  return result.value;
}

/** The same for answers that are not a Result. */
export async function reachSession<T>(
  env: Env,
  identity: SessionIdentity,
  repeatable: boolean,
  ask: (session: SessionStub) => Promise<T>,
): Promise<T> {
  return await reach({ what: 'session', fields: { ...identity } }, () => sessionStub(env, identity), repeatable, ask);
}
