import { Archive } from './archive.ts';
import { OLDER } from './builds.ts';
import { startChaos } from './chaos.ts';
import { Checker } from './checker.ts';
import { Edge } from './edge.ts';
import { Fleet } from './fleet.ts';
import type { FaultCounts, FaultKind } from './faults.ts';
import { NatsServer } from './jetstream/server.ts';
import { Ledger } from './ledger.ts';
import { drawSkew } from './machine.ts';
import { Network } from './network.ts';
import { Person, type PersonParts } from './person.ts';
import { headOf, judge } from './verdict.ts';
import { frontsOf, Holdings, OTHERS } from './read-models.ts';
import { Witness } from './witness.ts';
import { OtherStores } from './other-stores.ts';
import { startOperator } from './operator.ts';
import {
  startAnalytics,
  startHistory,
  startQuery,
  startSearch,
  startUpkeep,
  startWitness,
  Worker,
  type WorkerParts,
} from './worker.ts';
import { World } from './world.ts';

export const COMMANDS_MIN = 500;
export const FAULTS_MIN = 20;
const EVENTS_BYTES_MIN = 100_000;
const EVENTS_BYTES_MAX = 250_000;
const CHAOS_MS_MAX = 3 * 3_600_000;
const HEAL_MS_MAX = 8 * 3_600_000;
/** how often it is looked whether all is done */
const LOOK_EVERY_MS = 5_000;
/** after all is done: what comes late, and should not, is still seen */
const CALM_MS = 90_000;
const USERS = ['ann', 'ben', 'cleo'] as const;

export interface Scenery {
  world: World;
  network: Network;
  server: NatsServer;
  holdings: Holdings;
  edge: Edge;
  workers: readonly Worker[];
  people: readonly Person[];
  checker: Checker;
  ledger: Ledger;
  fleet: Fleet;
}

export interface Options {
  /** fewer commands, for a quick look; the promise of a seed is COMMANDS_MIN */
  commands?: number;
  off?: readonly FaultKind[];
  print?: boolean;
}

export interface Report {
  seed: number;
  commands: number;
  events: number;
  faults: FaultCounts;
  /** simulated */
  chaosMs: number;
  healMs: number;
  letters: number;
  /** events of an older version that consumers raised, and of a newer one that they did not know */
  raised: number;
  unknown: number;
  traceHash: string;
  /** what was seen broken first */
  broken?: { name: string; message: string };
  tail: readonly string[];
}

/** One seed: people, everything that goes wrong, then peace; and what is to be said of it. */
export async function simulate(seed: number, options: Options = {}): Promise<Report> {
  const world = new World(seed, options);
  const network = new Network(world);
  const holdings = new Holdings(new Archive(world, network), new Witness(world), new OtherStores(world, network));
  const scene = setUp(world, network, holdings);
  try {
    const chaosMs = await rage(scene, options.commands ?? COMMANDS_MIN);
    const healMs = await heal(scene);
    if (world.broken === undefined) await judged(scene, holdings);
    return {
      seed,
      commands: scene.ledger.entries.length,
      events: [...scene.edge.objects.values()].reduce((sum, object) => sum + headOf(object), 0),
      faults: world.faults.counts,
      chaosMs,
      healMs,
      letters: scene.checker.letters.length,
      raised: scene.fleet.raised,
      unknown: scene.fleet.unknown,
      traceHash: world.traceHash(),
      ...(world.broken === undefined ? {} : { broken: { name: world.broken.name, message: world.broken.message } }),
      tail: world.tail(),
    };
  } finally {
    for (const object of scene.edge.objects.values()) object.storage.close();
    await holdings.archive.close();
    await holdings.others.close();
  }
}

function setUp(world: World, network: Network, holdings: Holdings): Scenery {
  const server = new NatsServer(world, drawSkew(world));
  const fleet = new Fleet(world);
  const edge = new Edge({ world, network, server, build: fleet.edgeBuild() });
  const checker = new Checker(world, holdings);
  const ledger = new Ledger(checker);
  server.onStored = (stream, request) => checker.stored(stream, request);
  server.onForgotten = (stream, request) => checker.forgot(stream, request);
  server.onRemoved = (stream, message) => checker.removed(stream, message);
  edge.onCommit = (object) => checker.committed(object);
  // some streams are so small that they fill, and have to be purged
  const eventsMaxBytes = world.chance(0.3) ? world.between(EVENTS_BYTES_MIN, EVENTS_BYTES_MAX) : Number.MAX_SAFE_INTEGER;
  const parts: WorkerParts = {
    world,
    network,
    server,
    archive: holdings.archive,
    witness: holdings.witness,
    others: holdings.others,
    checker,
    fleet,
    eventsMaxBytes,
    post: (machine) => edge.post(machine),
  };
  const workers = [
    new Worker('history-1', parts, startHistory),
    new Worker('history-2', parts, startHistory),
    new Worker('witness-1', parts, startWitness),
    new Worker('witness-2', parts, startWitness),
    new Worker('search-1', parts, startSearch),
    new Worker('analytics-1', parts, startAnalytics),
    new Worker('query-1', parts, startQuery),
    new Worker('upkeep-1', parts, startUpkeep),
    new Worker('admin-1', parts, startOperator),
  ];
  const personParts: PersonParts = { world, network, edge, ledger, checker };
  const sessions = Array.from({ length: world.between(1, 3) }, (_, at) => `session-${at + 1}`);
  const people = sessions.flatMap((sessionId) => {
    const isDoomed = sessions.length > 1 && sessionId === 'session-1' && world.chance(0.4);
    const scenery = { messages: [], traces: [], streams: [], archived: false, isDoomed, deleted: false };
    return USERS.map((userId) => new Person(personParts, sessionId, userId, scenery, userId === 'ann'));
  });
  return { world, network, server, holdings, edge, workers, people, checker, ledger, fleet };
}

/** Until there were enough commands and enough faults. Returns how long that took. */
async function rage(scene: Scenery, commands: number): Promise<number> {
  const { world, workers, people, ledger } = scene;
  for (const worker of workers) worker.start();
  await world.clock.run(world.nowMs + LOOK_EVERY_MS);
  const owners = people.filter(({ actor }) => actor.id === 'ann');
  const created = Promise.all(owners.map(async (owner) => await owner.create(`the session of ${owner.sessionId}`)));
  const state = { created: false };
  created.then(
    () => (state.created = true),
    (error: unknown) => world.fail('a session can be created', String(error)),
  );
  await until(scene, 600_000, () => state.created);
  const startedAtMs = world.nowMs;
  world.faults.raging = true;
  for (const person of people) person.start();
  startChaos(scene);
  const enough = (): boolean =>
    ledger.entries.length >= commands && (commands < COMMANDS_MIN || world.faults.total >= FAULTS_MIN);
  await until(scene, CHAOS_MS_MAX, enough);
  return world.nowMs - startedAtMs;
}

/** A Session that sleeps is woken by the judge's questions, and answers once what it wrote at that is durable: time goes on meanwhile. */
async function judged(scene: Scenery, holdings: Holdings): Promise<void> {
  const verdict = { isGiven: false };
  const judging = judge(scene.checker, scene.edge.objects.values(), scene.ledger, holdings).finally(
    () => (verdict.isGiven = true),
  );
  await until(scene, CALM_MS, () => verdict.isGiven);
  await judging;
}

/** No more faults, and no more commands; waits until all is done. Says what is not when that takes too long. */
async function heal(scene: Scenery): Promise<number> {
  const { world, network, people, server } = scene;
  const healedAtMs = world.nowMs;
  world.note('world', 'no more faults from here on');
  world.faults.raging = false;
  for (const person of people) person.rest();
  network.heal();
  for (const front of frontsOf(scene.holdings)) front.awayUntilMs = 0;
  server.full = false;
  upgrade(scene);
  let healMs = 0;
  for (let isCalm = false; !isCalm && world.broken === undefined;) {
    await until(scene, HEAL_MS_MAX - healMs, () => unfinished(scene).length === 0);
    healMs = world.nowMs - healedAtMs;
    if (healMs >= HEAL_MS_MAX) break;
    await until(scene, CALM_MS, () => false);
    isCalm = unfinished(scene).length === 0;
  }
  const left = unfinished(scene);
  if (left.length > 0) world.fail('liveness', `after ${HEAL_MS_MAX / 3_600_000} simulated hours: ${left.slice(0, 5).join('; ')}`);
  return healMs;
}

/** Whatever is of the older build is deployed anew. */
function upgrade({ edge, fleet, workers, world }: Scenery): void {
  fleet.upgraded();
  for (const worker of workers) worker.upgrade();
  for (const object of edge.objects.values()) {
    if (object.build !== OLDER) continue;
    if (object.hasStamped) world.faults.happened('older-edge');
    object.upgrade();
  }
}

/** What is still to happen. */
function unfinished({ edge, people, ledger, checker }: Scenery): string[] {
  const left: string[] = [];
  const unknown = checker.unknownLetters().length;
  if (unknown > 0) left.push(`${unknown} letters of a version that was not known wait to be redriven`);
  if (ledger.open > 0) left.push(`${ledger.open} commands have no answer`);
  for (const object of edge.objects.values()) {
    const head = headOf(object);
    const { room } = object;
    const { sessionId } = object.identity;
    // only when to stop waiting; what is true then is judged by the contract
    if (room === undefined) {
      if (object.hasAlarm) left.push(`${sessionId} sleeps until its alarm`);
    } else if (room.outbox.waiting) left.push(`the outbox of ${sessionId} stands at ${room.progress.sent} of ${head}`);
    else if (room.progress.persisted < head) left.push(`${sessionId} knows ${room.progress.persisted} of ${head} persisted`);
    for (const { reader, sessionId: mine, machine } of people) {
      if (mine === sessionId && !checker.isDeleted(sessionId) && reader.cursor !== head)
        left.push(`${machine.name} has read ${reader.cursor} of ${head}`);
    }
  }
  // it costs a look at every event, and is not to be expected before the rest
  return left.length > 0 ? left : OTHERS.flatMap((name) => lackOf(checker, name));
}

/** What another read model than the history still lacks. */
function lackOf(checker: Checker, name: string): string[] {
  return [...checker.sightings].flatMap(([sessionId, seen]) => {
    const lacked = [...seen.values()].filter(({ event }) => !checker.holds(name, event) && checker.mustReach(event, name));
    if (lacked.length === 0) return [];
    const seqs = lacked.slice(0, 5).map(({ event: { seq } }) => seq);
    return [`${name} lacks ${lacked.length} of ${seen.size} of ${sessionId}: ${seqs.join(', ')}`];
  });
}

async function until({ world }: Scenery, msMax: number, done: () => boolean): Promise<void> {
  const endMs = world.nowMs + msMax;
  while (!world.isOver && world.nowMs < endMs && !done()) {
    await world.clock.run(Math.min(endMs, world.nowMs + LOOK_EVERY_MS), () => world.isOver);
  }
}
