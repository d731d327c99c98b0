import type { Spread } from '../stats.ts';

/** What a generator of commands is asked to do, in a process of its own: messages over HTTP, `inFlight` at a time. */
export interface CommandJob {
  url: string;
  jwtSecret: string;
  /** names of sessions begin with it */
  prefix: string;
  sessions: number;
  inFlight: number;
  /** how sessions come to be: by a command that creates them, or by themselves */
  creates: boolean;
  /** messages a second on a fixed schedule; absent: as fast as it goes */
  perS?: number;
  warmupMs: number;
  measureMs: number;
}

export interface CommandResult {
  /** accepted in all, the warm-up too */
  accepted: number;
  acceptedPerS: number;
  /** milliseconds from the request to its answer */
  answer: Spread;
  /** of one core: near 1 the generator is what was measured */
  clientCores: number;
}
