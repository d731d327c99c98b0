import { jetStreamDeadLetters } from './dead-letters.ts';
import { JetStreamSource } from './jetstream-source.ts';
import { jetStreamLetters } from './letters.ts';
import type { Platform, ReadModel } from './read-model.ts';
import { jetStreamLane } from './rebuild-lane.ts';
import { rebuild, RebuildRefused, type RebuildPorts } from './rebuild.ts';
import { PAYLOAD_BYTES_DEFAULT, RUNNER_BOUNDS } from './start-read-model.ts';
import { nameOfWorker } from './worker-name.ts';

/**
 * Rebuilds a read model on a platform, from the command line or for an operator. Resolves with the number of events given once
 * it serves; rejects with RebuildRefused or FeedStopped when all is as it was, else with what failed.
 */
export async function rebuildReadModel(
  model: ReadModel,
  platform: Platform,
  run: Pick<RebuildPorts, 'report' | 'signal' | 'begun'>,
): Promise<number> {
  const { client, connection, log, manager, openArchive, parse, time } = platform;
  if (openArchive === undefined) throw new RebuildRefused('there is no archive to rebuild from');
  const archive = await openArchive();
  try {
    const generations = await model.openGenerations?.(platform);
    try {
      return await rebuild({
        name: model.name,
        ...(generations === undefined ? {} : { generations }),
        openInPlace: async () => await (model.openInPlace?.(platform) ?? model.open(platform)),
        archive,
        letters: jetStreamLetters(manager),
        deadLetters: jetStreamDeadLetters(client, connection.info?.max_payload ?? PAYLOAD_BYTES_DEFAULT),
        parse,
        lane: jetStreamLane(manager, () => connection.info),
        source: (durable) => new JetStreamSource(client, durable),
        bounds: RUNNER_BOUNDS,
        workerId: nameOfWorker(time),
        log,
        time,
        ...run,
      });
    } finally {
      await generations?.close();
    }
  } finally {
    await archive.close();
  }
}
