import type { ConsumerState, Overview, PartStatus } from '../../client/admin/index.ts';
/** What is said of a part beside its name. The words say it: the colour is for the eye. */
export type Health = 'up' | 'late' | 'paused' | 'down' | 'unknown';
/** a consumer whose oldest event waits for longer is late: docs/operations.md alerts from here on */
export declare const LATE_MS = 60000;
export declare const HEALTH_WORDS: Readonly<Record<Health, string>>;
export declare function healthOfConsumer({ status, paused, oldestAgeMs, workers }: ConsumerState): Health;
/** The worst of several. */
export declare function worstOf(statuses: readonly PartStatus[]): PartStatus;
/** In words, what an operator should look at first; nothing when all is well. */
export declare function troubles(overview: Overview): string[];
