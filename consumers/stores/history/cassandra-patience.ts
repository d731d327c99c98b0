import type { Client } from 'cassandra-driver';
import { backoffMs, wait } from '../../runtime/backoff.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { asStoreFault } from './cassandra-client.ts';
import type { Executor } from './cassandra-rows.ts';

/** a store that stays away for longer is said to be away */
const OUTAGE_MS_MAX = 60_000;
const RETRY_BOUNDS = { minMs: 250, maxMs: 2_000 };

/** A client that waits while the store is away, for whoever reads all of it; rejects with a StoreUnavailable after a minute. */
export function patient(client: Client): Executor {
  return {
    execute: async (cql, parameters, options) => await throughOutages(async () => await client.execute(cql, parameters, options)),
  };
}

async function throughOutages<T>(work: () => Promise<T>): Promise<T> {
  const deadlineMs = Date.now() + OUTAGE_MS_MAX;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const fault = asStoreFault(error);
      if (!(fault instanceof StoreUnavailable) || Date.now() > deadlineMs) throw fault;
      await wait(backoffMs(attempt, RETRY_BOUNDS, Math.random()));
    }
  }
}
