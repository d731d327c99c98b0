import { z } from 'zod';
import { invalid } from '../../shared/contract/parse.ts';
import type { AppContext, Caller } from './context.ts';
import { readJson } from './read-body.ts';
import { Refused } from './refused.ts';
import type { Params } from './route.ts';

/** A request of somebody who has the scope. */
export interface Asked {
  c: AppContext;
  params: Params;
  caller: Caller;
  search: URLSearchParams;
}

export const noFields = z.strictObject({});

/** A body that is left out is {}. Anything but what the schema says is 400. */
export async function bodyOf<T>({ c }: Asked, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse((await readJson(c.req.raw)) ?? {});
  if (!parsed.success) throw new Refused(invalid(parsed.error).refusal);
  return parsed.data;
}
