import { historyOn, historyReadModel } from '../../consumers/projections/history-read-model.ts';
import { HISTORY_DURABLE } from '../../consumers/projections/history.ts';
import { answerHistory } from '../../consumers/query/answer.ts';
import { durableWatch } from '../../consumers/query/durable-watch.ts';
import { jetStreamEventStream } from '../../consumers/query/event-stream.ts';
import { knownLetters } from '../../consumers/query/letters.ts';
import { startResponder } from '../../consumers/query/responder.ts';
import { jetStreamLetters } from '../../consumers/runtime/letters.ts';
import type { OpenedReadModel, Platform, ReadModel } from '../../consumers/runtime/read-model.ts';
import { serveRedrives } from '../../consumers/runtime/redrive.ts';
import type { SignedPost } from '../../consumers/runtime/signed-post.ts';
import { runReadModel } from '../../consumers/runtime/start-read-model.ts';
import { every } from '../../consumers/runtime/time.ts';
import { lookAtStream } from '../../consumers/upkeep/seen.ts';
import { StreamUpkeep } from '../../consumers/upkeep/upkeep.ts';
import { DEAD_LETTERS_STREAM, EVENTS_STREAM, QUERY_SUBJECT } from '../../shared/contract/subjects.ts';
import { RemoteStore, type Archive } from './archive.ts';
import { NEWER, OLDER, type Build } from './builds.ts';
import type { Checker } from './checker.ts';
import type { Fleet } from './fleet.ts';
import { natsClientOf } from './jetstream/client.ts';
import type { NatsServer } from './jetstream/server.ts';
import { drawSkew, Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { OtherStores } from './other-stores.ts';
import { READ_MODELS } from './read-models.ts';
import type { Witness } from './witness.ts';
import { describeError, type World } from './world.ts';

const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 20_000;
const START_RETRY_MS = 1_000;
const UPKEEP_EVERY_MS = 30_000;
const FREEZE_MS_MAX = 60_000;

export interface WorkerParts {
  world: World;
  network: Network;
  server: NatsServer;
  archive: Archive;
  witness: Witness;
  others: OtherStores;
  checker: Checker;
  fleet: Fleet;
  /** of the stream of events */
  eventsMaxBytes: number;
  /** the edge's signed doors */
  post: (machine: Machine) => SignedPost;
}

type Start = (machine: Machine, parts: WorkerParts, build: Build) => Promise<() => Promise<void>>;

/** A process of the consumers that is started again whenever it ends, as a supervisor does. */
export class Worker {
  readonly name: string;
  readonly #parts: WorkerParts;
  readonly #start: Start;
  #machine: Machine | undefined;
  #stop: (() => Promise<void>) | undefined;
  /** of the life that it has */
  #build: Build = NEWER;

  constructor(name: string, parts: WorkerParts, start: Start) {
    this.name = name;
    this.#parts = parts;
    this.#start = start;
  }

  start(): void {
    const { world } = this.#parts;
    const machine = new Machine(world, this.name, this.name, drawSkew(world));
    this.#machine = machine;
    this.#stop = undefined;
    this.#build = this.#parts.fleet.consumerBuild();
    machine.onDeath(() => this.#again());
    world.note(this.name, `starts, of the ${this.#build.name} build`);
    this.#try(machine);
  }

  crash(): void {
    this.#parts.world.note(this.name, 'is killed');
    this.#machine?.kill();
  }

  /** As SIGTERM: what is in hand is brought to an end, and the process goes. */
  stop(): void {
    const machine = this.#machine;
    const stop = this.#stop;
    if (machine === undefined || stop === undefined) return;
    this.#parts.world.note(this.name, 'is stopped');
    this.#stop = undefined;
    stop().then(
      () => machine.kill(),
      (error: unknown) => this.#parts.world.fail('stopping never rejects', describeError(error)),
    );
  }

  /** What is still of the older build ends; its next life is of the newer. */
  upgrade(): void {
    if (this.#build === OLDER) this.crash();
  }

  freeze(): void {
    const ms = this.#parts.world.between(1_000, FREEZE_MS_MAX);
    this.#parts.world.note(this.name, `is frozen for ${ms} ms`);
    this.#machine?.freeze(ms);
  }

  #try(machine: Machine): void {
    this.#start(machine, this.#parts, this.#build).then(
      (stop) => (this.#stop = stop),
      (error: unknown) => {
        this.#parts.world.said(this.name, `cannot start: ${describeError(error)}`);
        machine.after(START_RETRY_MS, () => this.#try(machine));
      },
    );
  }

  #again(): void {
    const { world } = this.#parts;
    world.clock.after(world.between(RESTART_MS_MIN, RESTART_MS_MAX), () => this.start());
  }
}

/** The history as the product puts it together, on the simulated platform. */
export async function startHistory(machine: Machine, parts: WorkerParts, build: Build): Promise<() => Promise<void>> {
  const store = new RemoteStore(parts.archive, machine);
  const model: ReadModel = { ...historyReadModel, open: async (platform) => await Promise.resolve(historyOn(store, platform)) };
  return await run(model, machine, parts, build);
}

/** A read model whose store is not the archive: what its stream lost is given back to it by its guard. */
export async function startWitness(machine: Machine, parts: WorkerParts, build: Build): Promise<() => Promise<void>> {
  return await run(parts.witness.readModel(machine, parts.network, build), machine, parts, build);
}

export async function startSearch(machine: Machine, parts: WorkerParts, build: Build): Promise<() => Promise<void>> {
  return await run(parts.others.searchModel(machine), machine, parts, build);
}

export async function startAnalytics(machine: Machine, parts: WorkerParts, build: Build): Promise<() => Promise<void>> {
  return await run(parts.others.analyticsModel(machine), machine, parts, build);
}

/** As consumers/runtime/start-read-model.ts runs it, with the versions of events that a build knows. */
async function run(model: ReadModel, machine: Machine, parts: WorkerParts, build: Build): Promise<() => Promise<void>> {
  const platform = platformOf(machine, parts, build);
  const open = async (given: Platform): Promise<OpenedReadModel> => {
    const opened = await model.open(given);
    return { ...opened, projection: parts.checker.watched(opened.projection, build) };
  };
  const beside = (opened: OpenedReadModel): (() => Promise<void>) => serveRedrives(platform.connection, opened, platform);
  return await runReadModel({ ...model, open }, platform, { beside });
}

/** Purges what all have acknowledged before the stream is full, as consumers/upkeep/start.ts puts it together. */
export async function startUpkeep(machine: Machine, { world, network, server }: WorkerParts): Promise<() => Promise<void>> {
  const { manager } = natsClientOf({ world, machine, network, server });
  const upkeep = new StreamUpkeep({
    look: async () => await lookAtStream(manager, READ_MODELS, machine.now()),
    purge: async (belowSeq) => (await manager.streams.purge(EVENTS_STREAM, { seq: belowSeq })).purged,
    log: logOf(machine),
    now: () => machine.now(),
  });
  const turn = (): void => world.background(machine.name, upkeep.turn(), () => machine.alive);
  const cancel = every(UPKEEP_EVERY_MS, turn, machine.time);
  return await Promise.resolve(async () => await Promise.resolve(cancel()));
}

function platformOf(machine: Machine, parts: WorkerParts, build: Build): Platform {
  const { world, network, server, archive, post, eventsMaxBytes, fleet } = parts;
  const { connection, client, manager } = natsClientOf({ world, machine, network, server });
  return {
    connection,
    client,
    manager,
    settings: { natsServers: [], edgeUrl: '', internalSecret: '', dataDir: '', eventsMaxBytes },
    post: post(machine),
    log: logOf(machine),
    now: () => machine.now(),
    time: machine.time,
    parse: fleet.parserOf(machine.name, build),
    openArchive: async () => await Promise.resolve(new RemoteStore(archive, machine)),
    // worse than any line: what is said on it may get lost, and arrive in another order, without a break
    line: { breaks: () => 0 },
  };
}

/** Who answers questions to the store, as consumers/query/start.ts puts it together. */
export async function startQuery(
  machine: Machine,
  { world, network, server, archive }: WorkerParts,
): Promise<() => Promise<void>> {
  const store = new RemoteStore(archive, machine);
  const { connection, manager } = natsClientOf({ world, machine, network, server });
  const isFed = durableWatch(
    async () => await manager.consumers.info(EVENTS_STREAM, HISTORY_DURABLE),
    () => machine.now(),
  );
  const stream = {
    stream: jetStreamEventStream(manager, HISTORY_DURABLE),
    deadLettersOf: knownLetters({
      letters: jetStreamLetters(manager),
      created: async () => (await manager.streams.info(DEAD_LETTERS_STREAM)).created,
      consumer: HISTORY_DURABLE,
      now: () => machine.now(),
    }),
  };
  const answering = { store, isFed, stream, time: machine.time };
  const answerer = {
    subject: QUERY_SUBJECT,
    store: 'history store',
    answer: async (question: Uint8Array, replyBytesMax: number) => await answerHistory(answering, question, replyBytesMax),
  };
  const responder = startResponder(connection, answerer, logOf(machine), machine.time);
  return await Promise.resolve(async () => await responder.stop());
}

function logOf({ world, name }: Machine) {
  return (level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
    world.said(name, `${level} ${message} ${JSON.stringify(fields)}`);
}
