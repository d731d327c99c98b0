import type { Spread } from '../stats.ts';

/** What the load generator is asked to do against one running contestant, in a process of its own. */
export interface Job {
  contestant: 'millrace' | 'socket.io' | 'partyserver';
  url: string;
  /** names of rooms begin with it; a new one for each job */
  roomPrefix: string;
  /** partyserver's room class, in kebab case */
  party?: string;
  jwtSecret?: string;
  /** roots of the process trees whose CPU counts as `edge` (what fans out) and as `all` */
  pids: { edge: number[]; all: number[] };
  /** what is measured: everything, or how much goes through alone */
  phases: 'all' | 'throughput';
  sockets: number;
  senders: number;
  /** messages not yet delivered to all sockets, at most, while measuring throughput */
  inFlight: number;
  acceptSamples: number;
  /** the samples end here, however many there are by then */
  acceptMsMax: number;
  warmupMs: number;
  throughputMs: number;
  /** each rate for so long */
  fanouts: { perS: number; ms: number }[];
}

export interface Throughput {
  deliveriesPerS: number;
  messagesPerS: number;
  bytesPerDelivery: number;
  messagesPerFrame: number;
  /** CPU used by the server for each delivery, in microseconds */
  edgeCpuUsPerDelivery: number;
  allCpuUsPerDelivery: number;
  /** share of one core, 1 = one core busy all the time */
  edgeCores: number;
  allCores: number;
  clientCores: number;
  /** what neither the contestant nor the load generator used: the rest of the machine, were it idle, would use none */
  otherCores: number;
}

/** Latencies are in milliseconds. */
export interface JobResult {
  acceptAlone?: Spread;
  acceptWatched?: Spread;
  /** only where there is a door for HTTP */
  acceptHttp?: Spread;
  throughput: Throughput;
  /** in the order of the job's */
  fanouts: Spread[];
}

export type GeneratorMessage =
  | { kind: 'phase'; name: string }
  | { kind: 'result'; result: JobResult }
  | { kind: 'error'; message: string };
