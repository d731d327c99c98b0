import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';

/** How full a stream is. */
export interface StreamState {
  messages: number;
  bytes: number;
  /** absent: it has no bound */
  bytesMax?: number;
}

/** Undefined where there is none. Rejects when the server does not answer in time. */
export async function stateOfStream(manager: JetStreamManager, name: string): Promise<StreamState | undefined> {
  try {
    const { config, state } = await manager.streams.info(name);
    const { messages, bytes } = state;
    return { messages, bytes, ...(config.max_bytes > 0 ? { bytesMax: config.max_bytes } : {}) };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}
