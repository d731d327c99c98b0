import type { Env } from '../env.ts';
import { describeError, log } from '../log.ts';
import type { Result, SessionIdentity } from '../session/api.ts';
import { sessionStub, type SessionStub } from '../session/stub.ts';
import { refuse, Refused } from './refused.ts';
import { within } from './time-bound.ts';

/** a Session that answers later than this is unavailable; what it was asked may still happen */
const SESSION_CALL_MS_MAX = 10_000;

/**
 * Asks a Session. `repeatable` says that asking twice does no harm, so that an unknown outcome may be tried again once.
 * Throws the Session's refusal, or 503 when it cannot be reached.
 */
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
  try {
    return await within(SESSION_CALL_MS_MAX, ask(sessionStub(env, identity)));
  } catch (error) {
    if (!repeatable || !mayRetry(error)) throw unreachable(error, identity);
  }
  try {
    return await within(SESSION_CALL_MS_MAX, ask(sessionStub(env, identity)));
  } catch (error) {
    throw unreachable(error, identity);
  }
}

function mayRetry(error: unknown): boolean {
  return flag(error, 'retryable') && !flag(error, 'overloaded');
}

/** The platform marks its errors with properties: texts change, these do not. */
function flag(error: unknown, name: 'retryable' | 'overloaded'): boolean {
  return error instanceof Error && (error as unknown as Record<string, unknown>)[name] === true;
}

function unreachable(error: unknown, identity: SessionIdentity): Refused {
  log('error', 'a session could not be reached', { ...identity, ...describeError(error) });
  if (flag(error, 'overloaded')) return refuse('overloaded', 'The session has more to do than it can take.');
  return refuse('unavailable', 'The session did not answer. Whether the request took effect is unknown: repeat it with its key.');
}
