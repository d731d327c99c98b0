import type { JetStreamManager } from '@nats-io/jetstream';
import type { ServerInfo } from '@nats-io/transport-node';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { pausedUntilOf } from './durable-look.ts';
import { runOf } from './stream-look.ts';
import { addDurable, deleteDurable } from './streams.ts';

/** The durables that a rebuild moves, on the server. */

/** behind a read model's name: its rebuild's own durable */
export const REBUILD_SUFFIX = '-rebuild';
/** of the durable's metadata: epoch milliseconds at which its rebuild last said that it goes on */
const ALIVE = 'millrace-alive-ms';
/** a rebuild that says nothing for so long is dead: nobody keeps messages for it any more */
export const REBUILD_SILENT_MS_MAX = 10 * 60_000;

export interface LanePlace {
  /** acknowledged, of what it takes, up to there */
  floorSeq: number;
  deliveredSeq: number;
  /** neither out nor waiting */
  left: number;
}

/** Every call rejects when the server does not answer in time. */
export interface RebuildLane {
  /** names the stream and the run of its server */
  stream(): Promise<string>;
  /** Makes the durable anew, at the lowest floor of all durables: what lies before it is in the archive, or buried. */
  open(durable: string, nowMs: number): Promise<void>;
  /** What it holds is kept for as long as this is said again and again. */
  alive(durable: string, nowMs: number): Promise<void>;
  place(durable: string): Promise<LanePlace>;
  /** Nobody is given messages of the durable until then (epoch milliseconds), whatever becomes of us. */
  pause(durable: string, untilMs: number): Promise<void>;
  /** Ends that pause. One that an operator made stays. */
  resume(durable: string): Promise<void>;
  /** Resolves also when there is none. */
  close(durable: string): Promise<void>;
}

/** `server`: what the connection knows of the server that it has now. */
export function jetStreamLane(manager: JetStreamManager, server: () => ServerInfo | undefined): RebuildLane {
  const alive = async (durable: string, nowMs: number): Promise<void> => {
    await manager.consumers.update(EVENTS_STREAM, durable, { metadata: { [ALIVE]: String(nowMs) } });
  };
  const pauses = new Pauses(manager);
  return {
    async stream() {
      const info = await manager.streams.info(EVENTS_STREAM);
      return `${info.created} ${runOf(info, server())}`;
    },
    async open(durable, nowMs) {
      await deleteDurable(manager, durable);
      await addDurable(manager, durable, { fromSeq: (await lowestFloor(manager)) + 1 });
      await alive(durable, nowMs);
    },
    alive,
    async place(durable) {
      const { ack_floor, delivered, num_pending, num_ack_pending } = await manager.consumers.info(EVENTS_STREAM, durable);
      return { floorSeq: ack_floor.stream_seq, deliveredSeq: delivered.stream_seq, left: num_pending + num_ack_pending };
    },
    pause: async (durable, untilMs) => await pauses.begin(durable, untilMs),
    resume: async (durable) => await pauses.end(durable),
    close: async (durable) => await deleteDurable(manager, durable),
  };
}

/** Pauses of our own among those of operators: whichever lasts longer counts, and only our own are ended. */
class Pauses {
  readonly #manager: JetStreamManager;
  /** ours by durable, and the operator's that was there before it */
  readonly #ours = new Map<string, { untilMs: number; beforeMs: number | undefined }>();

  constructor(manager: JetStreamManager) {
    this.#manager = manager;
  }

  async begin(durable: string, untilMs: number): Promise<void> {
    const set = await this.#set(durable);
    if (set !== undefined && set >= untilMs) return;
    const ours = this.#ours.get(durable);
    const beforeMs = ours !== undefined && ours.untilMs === set ? ours.beforeMs : set;
    // first: should the answer get lost, the pause is ours all the same
    this.#ours.set(durable, { untilMs, beforeMs });
    await this.#manager.consumers.pause(EVENTS_STREAM, durable, new Date(untilMs));
  }

  async end(durable: string): Promise<void> {
    const ours = this.#ours.get(durable);
    if (ours === undefined) return;
    const set = await this.#set(durable);
    // else it has ended, or an operator has paused it meanwhile
    if (set === ours.untilMs) {
      if (ours.beforeMs === undefined) await this.#manager.consumers.resume(EVENTS_STREAM, durable);
      // a time that is over is no pause
      else await this.#manager.consumers.pause(EVENTS_STREAM, durable, new Date(ours.beforeMs));
    }
    this.#ours.delete(durable);
  }

  async #set(durable: string): Promise<number | undefined> {
    return pausedUntilOf(await this.#manager.consumers.info(EVENTS_STREAM, durable));
  }
}

/** Of every durable of the stream: also of one that stands still, for nobody knows why it does. */
async function lowestFloor(manager: JetStreamManager): Promise<number> {
  let lowest = Infinity;
  for await (const { ack_floor } of manager.consumers.list(EVENTS_STREAM)) lowest = Math.min(lowest, ack_floor.stream_seq);
  return lowest === Infinity ? 0 : lowest;
}

/** The durables of rebuilds that go on: what they did not read must stay. */
export async function rebuildsUnderWay(manager: JetStreamManager, nowMs: number): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, config } of manager.consumers.list(EVENTS_STREAM)) {
    const aliveMs = Number(config.metadata?.[ALIVE] ?? 0);
    if (name.endsWith(REBUILD_SUFFIX) && nowMs - aliveMs < REBUILD_SILENT_MS_MAX) names.push(name);
  }
  return names;
}
