import { versionIn } from '../../shared/core/upcast.ts';
import type { EventParser } from '../../shared/contract/event-schema.ts';
import type { Event } from '../../shared/core/types.ts';
import { NEWER, OLDER, type Build } from './builds.ts';
import type { World } from './world.ts';

/** of the lives of consumers, in a seed that has older ones */
const OLDER_SHARE = 0.35;

/** Which build runs where. In the end all that was deployed is the newer one. */
export class Fleet {
  readonly #world: World;
  #isUpgraded = false;
  /** events that a newer build raised, and messages that an older one did not know */
  raised = 0;
  unknown = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** An edge is only ever upgraded: what it wrote it must be able to read. */
  edgeBuild(): Build {
    return this.#world.faults.enabled.has('older-edge') ? OLDER : NEWER;
  }

  /** Consumers are upgraded one by one, and rolled back, as whoever deploys them likes. */
  consumerBuild(): Build {
    if (this.#isUpgraded || !this.#world.faults.enabled.has('older-consumer')) return NEWER;
    return this.#world.chance(OLDER_SHARE) ? OLDER : NEWER;
  }

  upgraded(): void {
    this.#isUpgraded = true;
  }

  /** What one life of a consumer proves events by. */
  parserOf(who: string, { name, parse }: Build): EventParser {
    let met = false;
    return (value) => {
      const parsed = parse(value);
      if (parsed.ok && parsed.stored !== undefined) this.raised += 1;
      if (!parsed.ok && parsed.reason === 'future_version') {
        this.unknown += 1;
        if (!met) {
          const { type, dataschema } = value as Event;
          this.#world.note(who, `is of the ${name} build, and meets version ${versionIn(type, dataschema)} of ${type}`);
          this.#world.faults.happened('older-consumer');
        }
        met = true;
      }
      return parsed;
    };
  }
}
