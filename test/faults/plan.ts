import { shuffled } from '../support/shuffled.ts';
import { randomFrom } from '../support/transcripts.ts';

/** What can be done to a running system. Which of it when is decided by a seed alone, so that a run can be had again. */

export const PROCESSES = ['nats', 'consumers', 'workerd', 'edge', 'cassandra'] as const;
export type ProcessName = (typeof PROCESSES)[number];

export const LINKS = ['clients-edge', 'edge-nats', 'consumers-nats', 'consumers-edge', 'consumers-cassandra'] as const;
export type LinkName = (typeof LINKS)[number];

/**
 * - `kill`: kill -9 of a process
 * - `cut`: every connection of a way is reset at once
 * - `pause`: SIGSTOP, and SIGCONT after a while
 * - `refuse`, `hold`, `swallow`, `swallow-answers`: see LinkMode
 * - `durable-deleted`, `stream-deleted`: by somebody who may
 * - `lost-tail`: an older copy of JetStream's store is put back while the server is stopped; nobody had taken what is lost
 * - `torn-tail`: only the stream's messages are put back: what was taken is lost, and the durables stand ahead of the stream
 * - `poison`: an event that nobody can read is published, as by a backend with a fault
 * - `full-disk`: no byte is free where JetStream stores; then there is room again, and the server is started anew
 */
export const KINDS = [
  'kill',
  'cut',
  'pause',
  'refuse',
  'hold',
  'swallow',
  'swallow-answers',
  'durable-deleted',
  'stream-deleted',
  'lost-tail',
  'torn-tail',
  'poison',
  'full-disk',
] as const;
export type Kind = (typeof KINDS)[number];

/** those that "kills and cuts" counts */
const SUDDEN: readonly Kind[] = ['kill', 'cut'];
const SLOW: readonly Kind[] = ['pause', 'refuse', 'hold', 'swallow', 'swallow-answers'];
/** of the stream as a whole: nothing else is broken meanwhile */
const LARGE: readonly Kind[] = ['durable-deleted', 'stream-deleted', 'lost-tail', 'torn-tail', 'poison', 'full-disk'];

export interface Planned {
  /** from the beginning of the plan */
  atMs: number;
  kind: Kind;
  /** process, way or durable; empty where there is only one thing to break */
  target: string;
  /** how long it stays broken; 0: it is over at once */
  forMs: number;
}

export interface PlanOptions {
  seed: number;
  /** kills and cuts; a third as many others come with them */
  kills: number;
  spanMs: number;
  kinds: readonly Kind[];
  processes: readonly ProcessName[];
  links: readonly LinkName[];
  durables: readonly string[];
  /** of each kind that concerns the whole stream */
  largeEach: number;
}

const PAUSE_MS = [300, 6_000] as const;
/** not before everything runs and was used for a moment */
const LEAD_MS = 1_000;

export function isSudden(kind: Kind): boolean {
  return SUDDEN.includes(kind);
}

export function isLarge(kind: Kind): boolean {
  return LARGE.includes(kind);
}

/** Faults in the order of their times. Each process and each way gets its turn before any gets a second one. */
export function planOf(options: PlanOptions): Planned[] {
  const { seed, kills, spanMs, kinds, largeEach } = options;
  const random = randomFrom(seed);
  const sudden = kinds.filter(isSudden);
  const slow = kinds.filter((kind) => SLOW.includes(kind));
  const large = kinds.filter(isLarge);
  const targets = sudden.flatMap((kind) => targetsOf(kind, options).map((target) => ({ kind, target })));
  const slowTargets = slow.flatMap((kind) => targetsOf(kind, options).map((target) => ({ kind, target })));
  const chosen = shuffled(
    [
      ...inTurns(targets, sudden.length === 0 ? 0 : kills, random),
      ...inTurns(slowTargets, sudden.length === 0 ? kills : Math.ceil(kills / 3), random),
      ...large.flatMap((kind) => {
        const places = targetsOf(kind, options).map((target) => ({ kind, target }));
        // several: one that comes just before the stream is deleted may be taken by nobody
        return inTurns(places, Math.max(largeEach * (kind === 'poison' ? 3 : 1), places.length), random);
      }),
    ],
    random,
  );
  const stepMs = (spanMs - LEAD_MS) / Math.max(1, chosen.length);
  return chosen.map(({ kind, target }, at) => ({
    atMs: Math.round(LEAD_MS + (at + random()) * stepMs),
    kind,
    target,
    forMs: SLOW.includes(kind) || isLarge(kind) ? between(PAUSE_MS, random) : 0,
  }));
}

export function nameOf({ kind, target }: Pick<Planned, 'kind' | 'target'>): string {
  return target === '' ? kind : `${kind} ${target}`;
}

function targetsOf(kind: Kind, { processes, links, durables }: PlanOptions): readonly string[] {
  if (kind === 'kill' || kind === 'pause') return processes;
  if (kind === 'durable-deleted') return durables;
  return isLarge(kind) ? [''] : links;
}

function inTurns<T>(items: readonly T[], count: number, random: () => number): T[] {
  const chosen: T[] = [];
  while (chosen.length < count && items.length > 0) {
    chosen.push(...shuffled(items, random).slice(0, count - chosen.length));
  }
  return chosen;
}

function between([min, max]: readonly [number, number], random: () => number): number {
  return Math.round(min + random() * (max - min));
}
