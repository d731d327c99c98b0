import { READ_MODELS } from '../read-models.ts';
import { RELAY_PLACE } from '../relay/start.ts';
import { connectOnce } from '../runtime/connection.ts';
import { describe, type Log } from '../runtime/log.ts';
import type { Platform, ReadModel } from '../runtime/read-model.ts';
import { platformOf } from '../runtime/start-read-model.ts';
import { ensureDurable, ensurePinnedDurable, ensureStreams } from '../runtime/streams.ts';
import type { Settings } from '../settings.ts';

/** Makes streams and durables that are missing, as the consumers do when they start. What is there stays as it is. */
export async function repair(settings: Settings, say: (line: string) => void): Promise<void> {
  const log: Log = (_level, msg, fields) => say([msg, ...Object.values(fields ?? {}).map(String)].join(' '));
  try {
    const connection = await connectOnce(settings, 'millrace-doctor');
    try {
      const platform = await platformOf(connection, settings, log);
      await ensureStreams(platform.manager, settings, log);
      await ensurePinnedDurable(platform.manager, RELAY_PLACE, log);
      for (const model of READ_MODELS) await repairOf(model, platform, log, say);
    } finally {
      await connection.close();
    }
  } catch (error) {
    // what is in the way is among what is found next
    say(`not all of it: ${describe(error)}`);
  }
}

/** What it takes a read model says itself, once its store is open. */
async function repairOf(model: ReadModel, platform: Platform, log: Log, say: (line: string) => void): Promise<void> {
  try {
    const opened = await model.open(platform);
    try {
      await ensureDurable(platform.manager, opened.projection, log);
    } finally {
      await opened.close();
    }
  } catch (error) {
    say(`the durable ${model.name} could not be looked after: ${describe(error)}`);
  }
}
