/** deliveries from which a message is suspected of killing workers */
const SUSPECT_DELIVERIES = 2;
/** deliveries from which it is looked at alone */
const ALONE_DELIVERIES = 4;
const SUSPECT_EVENTS = 8;

/**
 * How many messages to take in hand at once. A crash costs every message in hand a delivery, so that one poison would take
 * its neighbours along to the dead letters: starts with one, doubles while all goes well, and falls back the more often a
 * message in hand came before. Pure.
 */
export function nextInHandEvents(current: number, highestDeliveries: number, eventsMax: number): number {
  if (highestDeliveries >= ALONE_DELIVERIES) return 1;
  const grown = Math.min(eventsMax, current * 2);
  return highestDeliveries >= SUSPECT_DELIVERIES ? Math.min(grown, SUSPECT_EVENTS) : grown;
}

const BATCH_EVENTS_MIN = 100;
/** a full batch that ended sooner may have been larger */
const BATCH_MS_QUICK = 500;
/** and one that took longer was too large: a store has to answer within a fixed time, however much it is given */
const BATCH_MS_SLOW = 2_000;

export const BATCH_EVENTS_FIRST = BATCH_EVENTS_MIN;

/** How many events to write at once: as many as the store takes in about a second. Pure. */
export function nextBatchEvents(current: number, done: { events: number; tookMs: number }, eventsMax: number): number {
  if (done.tookMs > BATCH_MS_SLOW) return Math.max(BATCH_EVENTS_MIN, Math.floor(current / 2));
  return done.events >= current && done.tookMs < BATCH_MS_QUICK ? Math.min(eventsMax, current * 2) : current;
}
