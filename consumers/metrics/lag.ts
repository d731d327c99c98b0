import type { DurableLook } from '../runtime/durable-look.ts';

/** What was seen of the streams and of the durables on them. Plain figures: who reads them adds the clock. */

export interface StreamSize {
  stream: string;
  bytes: number;
  messages: number;
  /** absent: the stream has no bound */
  maxBytes?: number;
}

/** A durable by its name and its stream: a read model may have one of the same name on several. */
export type DurableName = Readonly<Record<'stream' | 'consumer', string>>;

export interface DurableLag extends DurableLook {
  name: DurableName;
}

export interface LagSeen {
  /** epoch ms */
  atMs: number;
  streams: readonly StreamSize[];
  durables: readonly DurableLag[];
  /** durables that should be there and are not: their read model stands still without another sign */
  missing: readonly DurableName[];
  /** in their stream now, by the consumer that buried them */
  deadLetters: ReadonlyMap<string, number>;
}
