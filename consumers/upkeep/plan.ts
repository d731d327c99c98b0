/** What the stream of events needs, decided from what was seen of it. Pure: figures in, actions out. */

/** above it what every read model has acknowledged is purged: a stream that is full refuses for good, also when all is acknowledged */
export const PURGE_ABOVE_SHARE = 0.8;
/** above it somebody must look: a durable is far behind, or the stream too small */
export const ALERT_ABOVE_SHARE = 0.9;
/** what nobody acknowledged for so long is near the 30 days at which the stream drops it */
export const LAG_MS_MAX = 7 * 24 * 3_600_000;

/** How far a durable of a read model is. */
export interface DurableSeen {
  name: string;
  /** everything up to it is acknowledged, or is not for this durable */
  settledTo: number;
  /** when the oldest message was stored that it has not acknowledged; absent: there is none */
  oldestAtMs?: number;
  /** it has acknowledged what the stream does not have: the stream lost its tail, or was made anew */
  isAhead: boolean;
  /** an operator paused it: it is behind because somebody wants it to be */
  isPaused?: true;
}

export interface StreamSeen {
  nowMs: number;
  bytes: number;
  /** absent: the stream has no bound, and is never full */
  maxBytes?: number;
  firstSeq: number;
  /** of every read model there is; undefined: its durable does not exist */
  durables: ReadonlyMap<string, DurableSeen | undefined>;
}

export interface Upkeep {
  /** purge what lies below this sequence */
  purgeBelow?: number;
  /** there is much, and this is why nothing of it can go */
  heldBack?: string;
  /** bytes by maxBytes, when it is too much */
  alertShare?: number;
  lagging: { name: string; lagMs: number }[];
}

export function planUpkeep(seen: StreamSeen): Upkeep {
  const share = seen.maxBytes === undefined ? 0 : seen.bytes / seen.maxBytes;
  return {
    ...(share > PURGE_ABOVE_SHARE ? purgeOf(seen) : {}),
    ...(share > ALERT_ABOVE_SHARE ? { alertShare: share } : {}),
    lagging: laggingOf(seen),
  };
}

/** Whoever is missing, or stands where the stream is not, may need all there is: then nothing goes. */
function purgeOf({ durables, firstSeq }: StreamSeen): Pick<Upkeep, 'purgeBelow' | 'heldBack'> {
  let lowest: DurableSeen | undefined;
  for (const [name, durable] of durables) {
    if (durable === undefined) return { heldBack: `the durable ${name} does not exist` };
    if (durable.isAhead) return { heldBack: `the durable ${name} stands ahead of the stream` };
    if (lowest === undefined || durable.settledTo < lowest.settledTo) lowest = durable;
  }
  if (lowest === undefined) return { heldBack: 'there is no read model' };
  if (lowest.settledTo < firstSeq) return { heldBack: `the durable ${lowest.name} has not acknowledged it` };
  return { purgeBelow: lowest.settledTo + 1 };
}

function laggingOf({ nowMs, durables }: StreamSeen): Upkeep['lagging'] {
  return [...durables.values()].flatMap((durable) => {
    const lagMs = durable?.oldestAtMs === undefined ? 0 : nowMs - durable.oldestAtMs;
    return durable !== undefined && durable.isPaused !== true && lagMs > LAG_MS_MAX ? [{ name: durable.name, lagMs }] : [];
  });
}
