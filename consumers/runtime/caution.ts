/** deliveries from which a message is suspected of killing workers */
const SUSPECT_DELIVERIES = 2;
/** deliveries from which it is looked at alone */
const ALONE_DELIVERIES = 4;
const SUSPECT_PULL_EVENTS = 8;

/**
 * How many messages to take in hand at once. A crash costs every message in hand a delivery, so that one poison would take
 * its neighbours along to the dead letters: starts with one, doubles while all goes well, and falls back the more often a
 * message in hand came before. Pure.
 */
export function nextPullEvents(current: number, highestDeliveries: number, eventsMax: number): number {
  if (highestDeliveries >= ALONE_DELIVERIES) return 1;
  const grown = Math.min(eventsMax, current * 2);
  return highestDeliveries >= SUSPECT_DELIVERIES ? Math.min(grown, SUSPECT_PULL_EVENTS) : grown;
}
