import type { Context } from 'hono';
import type { Actor } from '../../shared/core/types.ts';
import type { Env } from '../env.ts';

export interface AppEnv {
  Bindings: Env;
  Variables: {
    correlationId: string;
    /** what those behind are given: as it came, when it was valid; of our own span where the request is traced */
    traceparent: string | undefined;
  };
}

export type AppContext = Context<AppEnv>;

/** Whom a verified token, and the header by which a service acts for others, speak for. */
export interface Caller {
  tenant: string;
  actor: Actor;
  tokenExpiresAtMs: number;
  /** may read figures over all tenants (scope metrics) */
  readsMetrics?: true;
}
