import { setTimeout as sleep } from 'node:timers/promises';
import { TAIL_EVENTS_MIN } from '../../shared/core/limits.ts';
import { spread, type Spread } from '../stats.ts';
import { SizedSession, type System } from './sized-session.ts';

/** the cost of an operation in the large session may be so many times that in the small one */
export const RATIO_MAX = 1.2;

export interface SizePlan {
  smallEvents: number;
  largeEvents: number;
  /** of each operation in each session */
  samples: number;
}

export const COMPARISONS = {
  command: 'a command',
  pageOfStore: 'a page from the middle of what left the edge',
  pageAsItComes: 'a page from the middle',
  resume: 'a resume after 10 missed events',
} as const;
export type ComparisonName = keyof typeof COMPARISONS;

export interface Comparison {
  name: ComparisonName;
  /** where the small session's page comes from, and the large one's */
  from?: { small: 'edge' | 'store'; large: 'edge' | 'store' };
  /** milliseconds */
  small: Spread;
  large: Spread;
  ratio: number;
  isMet: boolean;
}

export interface SizeResults {
  store: string;
  plan: SizePlan;
  /** ms from the first command of the large session to the last */
  seedMs: number;
  comparisons: Comparison[];
}

/** the first of each pay for compilation and caches: they are not counted */
const WARMUP_SAMPLES = 30;
/** events beyond the tail's minimum after which a Session trims for sure */
const TRIMMED_FOR_SURE_EVENTS = 300;
/** events leave the edge a minute after their receipt, and in steps */
const TRIMMED_MS_MAX = 600_000;
const TRIMMED_LOOK_MS = 1_000;

/**
 * Makes a small and a large session and measures them in turn, so that whatever drifts on the machine drifts for both. The `aged` one
 * has as many events as the small one behind its tail: a page of the store beside a page of the store.
 */
export async function measureSize(
  system: System,
  store: string,
  plan: SizePlan,
  onPhase: (name: string) => void,
): Promise<SizeResults> {
  const [small, aged, large] = ['small', 'aged', 'large'].map((name) => new SizedSession(system, `size-${name}`)) as [
    SizedSession,
    SizedSession,
    SizedSession,
  ];
  try {
    onPhase(`sending ${plan.largeEvents} events`);
    const startedAt = performance.now();
    await large.seed(plan.largeEvents);
    const seedMs = performance.now() - startedAt;
    await aged.seed(plan.smallEvents + TAIL_EVENTS_MIN + TRIMMED_FOR_SURE_EVENTS);
    await small.seed(plan.smallEvents);
    const middles = [
      { session: small, middle: plan.smallEvents / 2 },
      { session: aged, middle: plan.smallEvents / 2 },
      { session: large, middle: plan.largeEvents / 2 },
    ];
    onPhase('waiting until what is old has left the edge');
    for (const { session, middle } of middles) if (session !== small) await untilTrimmed(session, middle * 1.1);
    for (const { session, middle } of middles) await session.findPages(middle * 0.9, middle * 1.1);
    const pages = {
      small: (await small.isInTail(plan.smallEvents / 2)) ? 'edge' : 'store',
      large: 'store',
    } as const;
    onPhase('measuring');
    const comparisons = [
      await compared('command', small, large, plan.samples, (session) => session.command()),
      {
        ...(await compared('pageOfStore', aged, large, plan.samples, (session) => session.page())),
        from: { small: 'store', large: 'store' } as const,
      },
      { ...(await compared('pageAsItComes', small, large, plan.samples, (session) => session.page())), from: pages },
      await compared('resume', small, large, plan.samples, (session) => session.resume()),
    ];
    return { store, plan, seedMs, comparisons };
  } finally {
    for (const each of [small, aged, large]) each.close();
  }
}

async function untilTrimmed(session: SizedSession, seq: number): Promise<void> {
  const deadline = performance.now() + TRIMMED_MS_MAX;
  while (await session.isInTail(Math.floor(seq))) {
    if (performance.now() > deadline) throw new Error(`seq ${seq} of ${session.id} is at the edge after ${TRIMMED_MS_MAX} ms`);
    await sleep(TRIMMED_LOOK_MS);
  }
}

async function compared(
  name: ComparisonName,
  small: SizedSession,
  large: SizedSession,
  samples: number,
  operation: (session: SizedSession) => Promise<void>,
): Promise<Comparison> {
  const sessions = [small, large] as const;
  const times = new Map<SizedSession, number[]>(sessions.map((each) => [each, []]));
  for (let at = -WARMUP_SAMPLES; at < samples; at += 1) {
    // who goes first alternates too
    for (const session of at % 2 === 0 ? sessions : sessions.toReversed()) {
      const startedAt = performance.now();
      await operation(session);
      if (at >= 0) times.get(session)?.push(performance.now() - startedAt);
    }
  }
  return comparison(name, times.get(small) ?? [], times.get(large) ?? []);
}

/** Medians against each other: one slow sample of hundreds says nothing of the size. */
export function comparison(name: ComparisonName, smallMs: readonly number[], largeMs: readonly number[]): Comparison {
  const [small, large] = [spread(smallMs), spread(largeMs)];
  const ratio = large.p50 / small.p50;
  return { name, small, large, ratio, isMet: ratio <= RATIO_MAX };
}
