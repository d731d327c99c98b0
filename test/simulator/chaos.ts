import { OLDER } from './builds.ts';
import type { FaultKind } from './faults.ts';
import { frontsOf, READ_MODELS } from './read-models.ts';
import type { Scenery } from './run.ts';

const EVERY_MS_MIN = 200;
const EVERY_MS_MAX = 14_000;
const EDGE_DOWN_MS_MAX = 20_000;
const NATS_DOWN_MS_MAX = 30_000;
const STORE_AWAY_MS_MAX = 180_000;
const STREAM_FULL_MS_MAX = 60_000;
const EVENTS = 'MILLRACE_EVENTS';

/** What befalls a part as a whole. False: it could not, just now. */
const BLOWS: Partial<Record<FaultKind, (scene: Scenery) => boolean>> = {
  'session-crash': ({ world, edge }) => {
    const object = world.pick([...edge.objects.values()]);
    if (object?.room === undefined) return false;
    world.note('chaos', `${object.identity.sessionId} is killed`);
    object.crash();
    return true;
  },
  'edge-restart': ({ world, edge }) => {
    if (!edge.isUp) return false;
    edge.restart(world.between(100, EDGE_DOWN_MS_MAX));
    return true;
  },
  'session-hibernates': ({ world, edge }) => world.pick([...edge.objects.values()])?.hibernate() === true,
  'older-session': ({ world, edge }) => world.pick([...edge.objects.values()])?.becomeOlder() === true,
  'older-edge': ({ world, edge }) => {
    const older = [...edge.objects.values()].filter(({ build, hasStamped }) => build === OLDER && hasStamped);
    return world.pick(older)?.upgrade() === true;
  },
  'partition-one-way': ({ world, network, workers, people }) => {
    const nodes = [...workers.map(({ name }) => name), ...people.map(({ machine }) => machine.node), 'edge'];
    const from = world.pick(nodes) ?? 'edge';
    const to = from === 'edge' ? 'nats' : from.startsWith('client') ? 'edge' : world.pick(['nats', 'store', 'edge']);
    if (world.chance(0.5)) network.partition(from, to ?? 'nats');
    else network.partition(to ?? 'nats', from);
    return true;
  },
  'nats-restart': ({ world, server }) => {
    if (!server.up) return false;
    server.restart(world.between(100, NATS_DOWN_MS_MAX), false);
    return true;
  },
  'nats-forgets-acknowledged': ({ world, server }) => {
    if (!server.up) return false;
    server.restart(world.between(100, NATS_DOWN_MS_MAX), true);
    return true;
  },
  'stream-recreated': ({ server }) => {
    if (!server.streams.has(EVENTS)) return false;
    server.deleteStream(EVENTS);
    return true;
  },
  'stream-full': ({ world, server }) => {
    if (server.full) return false;
    server.full = true;
    world.note('chaos', 'the stream is full');
    world.clock.after(world.between(1_000, STREAM_FULL_MS_MAX), () => (server.full = false));
    return true;
  },
  'durable-deleted': ({ world, server }) => {
    const name = world.pick(READ_MODELS) ?? '';
    const durable = server.streams.get(EVENTS)?.consumers.get(name);
    if (durable === undefined) return false;
    durable.dropPulls();
    world.note('chaos', `the durable ${name} is deleted`);
    return server.streams.get(EVENTS)?.consumers.delete(name) === true;
  },
  'worker-crash': ({ world, workers }) => {
    world.pick(workers)?.crash();
    return true;
  },
  'worker-stopped': ({ world, workers }) => {
    world.pick(workers)?.stop();
    return true;
  },
  'worker-frozen': ({ world, workers }) => {
    world.pick(workers)?.freeze();
    return true;
  },
  'store-away': ({ world, holdings }) => {
    const front = world.pick(frontsOf(holdings));
    if (front === undefined || front.isAway) return false;
    front.awayUntilMs = world.nowMs + world.between(1_000, STORE_AWAY_MS_MAX);
    world.note('chaos', `the ${front.name} is away until ${front.awayUntilMs - world.startedAtMs} ms`);
    return true;
  },
  'garbage-published': ({ world, server, checker, edge }) => {
    const sessionId = world.pick([...edge.objects.keys()]);
    if (!server.up || server.full || sessionId === undefined) return false;
    const subject = `millrace.events.default.message.created.${sessionId}`;
    const id = `garbage-${world.newId()}`;
    try {
      if (server.publish({ subject, data: new TextEncoder().encode(id), msgId: id }) === undefined) return false;
    } catch {
      // no room for it
      return false;
    }
    checker.garbage.add(id);
    world.note('chaos', 'somebody publishes what is no event');
    return true;
  },
};

/** Strikes one part after the other, as long as the faults rage. */
export function startChaos(scene: Scenery): void {
  const { world } = scene;
  const kinds = (Object.keys(BLOWS) as FaultKind[]).filter((kind) => world.faults.enabled.has(kind));
  const again = (): void => {
    world.clock.after(world.between(EVERY_MS_MIN, EVERY_MS_MAX), () => {
      if (!world.faults.raging) return;
      const kind = world.pick(kinds);
      if (kind !== undefined && BLOWS[kind]?.(scene) === true) world.faults.happened(kind);
      again();
    });
  };
  again();
}
