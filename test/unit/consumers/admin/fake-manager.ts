import { JetStreamApiError, type ConsumerInfo, type JetStreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';

const CONSUMER_NOT_FOUND = 10014;

/** What a durable of the fake server is; a test changes it as the server would. */
export interface FakeDurable {
  created: string;
  pending: number;
  ackPending: number;
  settled: number;
  oldestAtMs: number;
  pausedUntilMs: number;
}

/** Durables by `stream/name`, as far as operators' questions look at them. `calls` are what it was asked to change. */
export class FakeServer {
  readonly durables = new Map<string, FakeDurable>();
  readonly calls: string[] = [];
  nowMs = Date.parse('2026-01-02T03:04:05.678Z');
  /** such a durable does not answer */
  silent = '';

  add(place: string, more: Partial<FakeDurable> = {}): FakeDurable {
    const durable = { created: 'one', pending: 0, ackPending: 0, settled: 0, oldestAtMs: 0, pausedUntilMs: 0, ...more };
    this.durables.set(place, durable);
    return durable;
  }

  manager(): JetStreamManager {
    const pause = async (stream: string, name: string, until: Date): Promise<object> => {
      this.calls.push(`pause ${stream}/${name} ${until.toISOString()}`);
      this.#of(stream, name).pausedUntilMs = until.getTime();
      return await Promise.resolve({});
    };
    const resume = async (stream: string, name: string): Promise<object> => {
      this.calls.push(`resume ${stream}/${name}`);
      this.#of(stream, name).pausedUntilMs = 0;
      return await Promise.resolve({});
    };
    const consumers = { info: async (stream: string, name: string) => await this.#info(stream, name), pause, resume };
    const streams = {
      getMessage: async (stream: string): Promise<object | null> => {
        const [durable] = [...this.durables].flatMap(([place, each]) => (place.startsWith(`${stream}/`) ? [each] : []));
        return await Promise.resolve(durable === undefined ? null : { seq: 1, time: new Date(durable.oldestAtMs) });
      },
    };
    // what is asked of it here is all that these answers need
    return { consumers, streams } as unknown as JetStreamManager;
  }

  async #info(stream: string, name: string): Promise<ConsumerInfo> {
    if (`${stream}/${name}` === this.silent) return await new Promise(() => undefined);
    const { created, pending, ackPending, settled, pausedUntilMs } = this.#of(stream, name);
    const isPaused = pausedUntilMs > this.nowMs;
    return await Promise.resolve({
      stream_name: stream,
      name,
      created,
      num_pending: pending,
      num_ack_pending: ackPending,
      num_redelivered: 0,
      ack_floor: { consumer_seq: settled, stream_seq: settled },
      paused: isPaused,
      pause_remaining: nanos(Math.max(0, pausedUntilMs - this.nowMs)),
      config: pausedUntilMs === 0 ? {} : { pause_until: new Date(pausedUntilMs).toISOString() },
    } as unknown as ConsumerInfo);
  }

  #of(stream: string, name: string): FakeDurable {
    const durable = this.durables.get(`${stream}/${name}`);
    if (durable !== undefined) return durable;
    throw new JetStreamApiError({ code: 404, err_code: CONSUMER_NOT_FOUND, description: 'consumer not found' });
  }
}
