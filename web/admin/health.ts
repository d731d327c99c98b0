import type { ConsumerState, Overview, PartStatus } from '../../client/admin/index.ts';

/** What is said of a part beside its name. The words say it: the colour is for the eye. */
export type Health = 'up' | 'late' | 'paused' | 'down' | 'unknown';

/** a consumer whose oldest event waits for longer is late: docs/operations.md alerts from here on */
export const LATE_MS = 60_000;

export const HEALTH_WORDS: Readonly<Record<Health, string>> = {
  up: 'up',
  late: 'late',
  paused: 'paused',
  down: 'down',
  unknown: 'unknown',
};

export function healthOfConsumer({ status, paused, oldestAgeMs = 0, workers }: ConsumerState): Health {
  if (status !== 'up') return status;
  if (paused === true) return 'paused';
  if (workers === 0) return 'down';
  return oldestAgeMs > LATE_MS ? 'late' : 'up';
}

/** The worst of several. */
export function worstOf(statuses: readonly PartStatus[]): PartStatus {
  if (statuses.includes('down')) return 'down';
  return statuses.length === 0 || statuses.includes('unknown') ? 'unknown' : 'up';
}

/** In words, what an operator should look at first; nothing when all is well. */
export function troubles(overview: Overview): string[] {
  const { uplinks, streams, consumers, stores, deadLetters } = overview;
  const said: string[] = [];
  const unreached = uplinks.filter(({ status }) => status !== 'up').length;
  if (unreached > 0) {
    said.push(
      unreached === uplinks.length
        ? 'The edge does not reach NATS. Commands are taken and kept; nothing is published, and below is what could be seen without it.'
        : `${unreached} of ${uplinks.length} Uplinks do not reach NATS.`,
    );
  }
  if ([streams, consumers, stores].some(({ status }) => status === 'unknown')) said.push('The consumers do not answer.');
  for (const { name, status } of streams.items) if (status === 'down') said.push(`There is no stream ${name}.`);
  for (const each of consumers.items) said.push(...troublesOfConsumer(each));
  for (const { name, status } of stores.items) if (status === 'down') said.push(`The store of ${name} does not answer.`);
  const letters = deadLetters.items.reduce((sum, { count }) => sum + count, 0);
  if (letters > 0)
    said.push(letters === 1 ? '1 dead letter waits for a decision.' : `${letters} dead letters wait for a decision.`);
  return said;
}

function troublesOfConsumer(consumer: ConsumerState): string[] {
  const { name, workers } = consumer;
  const health = healthOfConsumer(consumer);
  if (health === 'late') return [`${name} is late.`];
  if (health !== 'down') return [];
  return [workers === 0 ? `Nobody works on ${name}.` : `${name} has no durable: what is published does not reach it.`];
}
