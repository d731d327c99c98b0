import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import type { Platform } from './read-model.ts';

/**
 * Did a read model never take anything? Only then may it make its store where there is none: one that is made later lacks what was
 * taken before, and nobody would notice. A durable that was made anew says nothing of that, so the guard's note counts too.
 * Rejects while either cannot be looked at.
 */
export async function isNew(name: string, { manager, openArchive }: Pick<Platform, 'manager' | 'openArchive'>): Promise<boolean> {
  return !(await hasTaken(manager, name)) && !(await isGuarded(openArchive, name));
}

/** Did the durable ever have an event acknowledged? */
async function hasTaken(manager: JetStreamManager, name: string): Promise<boolean> {
  try {
    const { ack_floor } = await manager.consumers.info(EVENTS_STREAM, name);
    return ack_floor.consumer_seq > 0;
  } catch (error) {
    const isMissing = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
    if (isMissing) return false;
    throw error;
  }
}

/** Did a guard ever look after it? */
async function isGuarded(openArchive: Platform['openArchive'], name: string): Promise<boolean> {
  if (openArchive === undefined) return false;
  const archive = await openArchive();
  try {
    return (await archive.readNote(name)) !== undefined;
  } finally {
    await archive.close();
  }
}
