import { describeError, log } from '../log.ts';
import { refuse, type Refused } from './refused.ts';
import { within } from './time-bound.ts';

/** an object that answers later than this is unavailable; what it was asked may still happen */
const CALL_MS_MAX = 10_000;

/** What an object is called to clients and in the log. */
export interface Reached {
  what: 'session' | 'inbox';
  fields: Readonly<Record<string, unknown>>;
}

/**
 * Asks a Durable Object, each time by a new stub. `repeatable` says that asking twice does no harm, so that an unknown
 * outcome may be tried again once. Throws 503 when it cannot be reached.
 */
export async function reach<S, T>(target: Reached, stub: () => S, repeatable: boolean, ask: (stub: S) => Promise<T>): Promise<T> {
  try {
    return await within(CALL_MS_MAX, ask(stub()));
  } catch (error) {
    if (!repeatable || !mayRetry(error)) throw unreachable(error, target);
  }
  try {
    return await within(CALL_MS_MAX, ask(stub()));
  } catch (error) {
    throw unreachable(error, target);
  }
}

function mayRetry(error: unknown): boolean {
  return flag(error, 'retryable') && !flag(error, 'overloaded');
}

/** The platform marks its errors with properties: texts change, these do not. */
function flag(error: unknown, name: 'retryable' | 'overloaded'): boolean {
  return error instanceof Error && (error as unknown as Record<string, unknown>)[name] === true;
}

function unreachable(error: unknown, { what, fields }: Reached): Refused {
  log('error', `the ${what} could not be reached`, { ...fields, ...describeError(error) });
  if (flag(error, 'overloaded')) return refuse('overloaded', `The ${what} has more to do than it can take.`);
  return refuse('unavailable', `The ${what} did not answer. Whether the request took effect is unknown: repeat it with its key.`);
}
