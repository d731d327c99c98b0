import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import { deadLetterSubject } from '../../shared/contract/subjects.ts';

/** How full a stream is. */
export interface StreamState {
  messages: number;
  bytes: number;
  /** absent: it has no bound */
  bytesMax?: number;
}

/** Undefined where there is none. Rejects when the server does not answer in time. */
export async function stateOfStream(manager: JetStreamManager, name: string): Promise<StreamState | undefined> {
  const info = await infoOfStream(manager, name);
  if (info === undefined) return undefined;
  const { config, state } = info;
  const { messages, bytes } = state;
  return { messages, bytes, ...(config.max_bytes > 0 ? { bytesMax: config.max_bytes } : {}) };
}

/** All that the server says of it; undefined where there is none. `options` as the server knows them: counts by subject, for one. */
export async function infoOfStream(
  manager: JetStreamManager,
  name: string,
  options?: Parameters<JetStreamManager['streams']['info']>[1],
): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name, options);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}

/** Of the stream of dead letters, looked at by subject: by the consumer that buried them. Those that buried none are left out. */
export function letterCounts({ state }: StreamInfo): (readonly [consumer: string, count: number])[] {
  const before = deadLetterSubject('').length;
  return Object.entries(state.subjects ?? {}).map(([subject, count]) => [subject.slice(before), count] as const);
}
