import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { READ_MODELS } from '../read-models.ts';
import { RELAY_PLACE } from '../relay/start.ts';
import { connectOnce } from '../runtime/connection.ts';
import { describe, type Log } from '../runtime/log.ts';
import { ensureDurable, ensurePinnedDurable, ensureStreams, type StreamSettings } from '../runtime/streams.ts';
import type { Settings } from '../settings.ts';

/** Makes streams and durables that are missing, as the consumers do when they start; no store is asked. What is there stays as it is. */
export async function repair(settings: Settings, say: (line: string) => void): Promise<void> {
  const log: Log = (_level, msg, fields) => say([msg, ...Object.values(fields ?? {}).map(String)].join(' '));
  try {
    const connection = await connectOnce(settings, 'millrace-doctor');
    try {
      await makeMissing(await jetstreamManager(connection), settings, log);
    } finally {
      await connection.close();
    }
  } catch (error) {
    // what is in the way is among what is found next
    say(`not all of it: ${describe(error)}`);
  }
}

/** Exported for its test. */
export async function makeMissing(manager: JetStreamManager, settings: StreamSettings, log: Log): Promise<void> {
  await ensureStreams(manager, settings, log);
  await ensurePinnedDurable(manager, RELAY_PLACE, log);
  for (const model of READ_MODELS) await ensureDurable(manager, model, log);
}
