import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';

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

/** All that the server says of it; undefined where there is none. */
export async function infoOfStream(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}
