import { COMMANDS_STREAM, EVENTS_STREAM } from '../shared/contract/subjects.ts';
import { READ_MODELS } from './read-models.ts';
import { RELAY_DURABLE } from './relay/relay.ts';
import type { DurablePlace } from './runtime/durable-look.ts';

/** A consumer that operators see and name: one per read model, and the relay. */
export interface NamedConsumer extends DurablePlace {
  /** streams on which it has a durable of the same name besides: paused with it; only metrics show how far they are */
  alsoOn: readonly string[];
  /** a pause of it is over after so long; absent: PAUSE_MS_MAX */
  pauseMsMax?: number;
}

/** what backends published is nowhere else, and goes at COMMANDS_AGE_MS_MAX: a relay that was paused has to have the time to bring it */
export const RELAY_PAUSE_MS_MAX = 3 * 24 * 3_600_000;

/** Every durable consumer there is (contract §5). Whatever shows, measures, pauses or repairs them takes them from here. */
export const CONSUMERS: readonly NamedConsumer[] = [
  ...READ_MODELS.map(({ name, alsoReads = [] }) => ({ stream: EVENTS_STREAM, name, alsoOn: alsoReads })),
  { stream: COMMANDS_STREAM, name: RELAY_DURABLE, alsoOn: [], pauseMsMax: RELAY_PAUSE_MS_MAX },
];
