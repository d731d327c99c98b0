import { COMMANDS_STREAM, EVENTS_STREAM } from '../shared/contract/subjects.ts';
import { READ_MODELS } from './read-models.ts';
import { RELAY_DURABLE } from './relay/relay.ts';
import type { DurablePlace } from './runtime/durable-look.ts';

/** A consumer that operators see and name: one per read model, and the relay. */
export interface NamedConsumer extends DurablePlace {
  /** streams on which it has a durable of the same name besides: paused with it; only metrics show how far they are */
  alsoOn: readonly string[];
}

/** Every durable consumer there is (contract §5). Whatever shows, measures, pauses or repairs them takes them from here. */
export const CONSUMERS: readonly NamedConsumer[] = [
  ...READ_MODELS.map(({ name, alsoReads = [] }) => ({ stream: EVENTS_STREAM, name, alsoOn: alsoReads })),
  { stream: COMMANDS_STREAM, name: RELAY_DURABLE, alsoOn: [] },
];
