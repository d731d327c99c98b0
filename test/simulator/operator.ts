import type { Operator } from '../../consumers/admin/admin-log.ts';
import { jetStreamAdminLog } from '../../consumers/admin/admin-log.ts';
import { eventsOfEdge } from '../../consumers/admin/edge-events.ts';
import { letterId } from '../../consumers/admin/letter.ts';
import { Redriver } from '../../consumers/admin/redriver.ts';
import { AdminRefused } from '../../consumers/admin/refused.ts';
import { jetStreamReader } from '../../consumers/admin/stream-reader.ts';
import { LETTER_HEADERS } from '../../consumers/runtime/letter-headers.ts';
import { headerOf } from '../../consumers/runtime/letters.ts';
import { handOver } from '../../consumers/runtime/redrive.ts';
import { DEAD_LETTERS_STREAM, EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { TENANT } from './edge.ts';
import { natsClientOf } from './jetstream/client.ts';
import type { Machine } from './machine.ts';
import type { WorkerParts } from './worker.ts';

/** of one letter, as admin has it */
const ANSWER_MS_MAX = 2_000;
const PAUSE_MS_MIN = 5_000;
const PAUSE_MS_MAX = 60_000;
const WHO: Operator = { tenant: TENANT, actor: 'operator', correlationId: 'corr-operator' };

/**
 * Somebody who redrives, again and again, what was buried for its version: as consumers/admin/start.ts puts it together. What no
 * newer build is there to take stays where it is.
 */
export async function startOperator(machine: Machine, parts: WorkerParts): Promise<() => Promise<void>> {
  const { world, network, server } = parts;
  const { connection, client, manager } = natsClientOf({ world, machine, network, server });
  const letters = jetStreamReader(client, manager, DEAD_LETTERS_STREAM);
  const unused = async (): Promise<never> => await Promise.reject(new Error('no command was buried'));
  const redriver = new Redriver({
    letters,
    events: jetStreamReader(client, manager, EVENTS_STREAM),
    eventNow: eventsOfEdge(parts.post(machine)),
    handOver: async (consumer, event, publishedAtMs, { msMax }) =>
      await handOver(connection, consumer, { event, publishedAtMs }, msMax),
    execute: unused,
    reply: () => {},
    tellFailed: unused,
    log: jetStreamAdminLog(client, () => machine.now()),
    now: () => machine.now(),
  });
  let stopped = false;
  const one = async (position: number): Promise<void> => {
    const letter = await letters.read(position);
    if (letter === undefined || headerOf(letter, LETTER_HEADERS.reason) !== 'future_version') return;
    await redriver.redrive(await redriver.find(letterId(letter), TENANT), WHO, { untilMs: machine.now() + ANSWER_MS_MAX });
    world.note(machine.name, `redrives letter ${position}`);
  };
  const turn = async (): Promise<void> => {
    // a letter that lies further up may be the only one that can be taken
    for (const position of server.streams.get(DEAD_LETTERS_STREAM)?.messages.keys() ?? []) {
      if (stopped) return;
      await one(position).catch((error: unknown) => {
        const why = error instanceof AdminRefused ? error.refusal.detail : String(error);
        world.said(machine.name, `letter ${position} stays: ${why}`);
      });
    }
  };
  const again = (): void => {
    machine.after(world.between(PAUSE_MS_MIN, PAUSE_MS_MAX), () => {
      if (stopped) return;
      turn().then(again, (error: unknown) => world.fail('an operator does not throw', String(error)));
    });
  };
  again();
  return async () => {
    stopped = true;
    await Promise.resolve();
  };
}
