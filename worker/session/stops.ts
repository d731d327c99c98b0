import type { SignalFrame } from '../../shared/contract/frames.ts';
import { signalsSubject } from '../../shared/contract/subjects.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import type { SessionIdentity } from './api.ts';
import type { RoomPorts } from './ports.ts';

/** streams remembered after they were stopped; over it the oldest is forgotten, and its agent learns by stream_ended */
const STOPPED_MAX = 200;
/** an agent that goes on all the same is told again, no more often than this */
const AGAIN_MS_MIN = 1_000;

interface Stopped {
  payload: string;
  toldAtMs: number;
}

/**
 * Tells agents behind NATS to stop. Core messages may be lost, and one that streams by signals alone gets no answer that
 * would tell it: so it is told again as long as its chunks come. In memory, as what it is about.
 */
export class Stops {
  readonly #ports: RoomPorts;
  readonly #identity: SessionIdentity;
  readonly #stopped = new Map<string, Stopped>();

  constructor(ports: RoomPorts, identity: SessionIdentity) {
    this.#ports = ports;
    this.#identity = identity;
  }

  /** Returns the frame for the sockets. */
  tell(user: SignalFrame['user'], data: { messageId: string; reason?: string }): SignalFrame {
    const nowMs = this.#ports.nowMs();
    const signal = { name: 'cancel' as const, user, data, at: rfc3339(nowMs) };
    if (this.#stopped.size >= STOPPED_MAX) this.#stopped.delete(this.#stopped.keys().next().value ?? '');
    const stopped = { payload: JSON.stringify(signal), toldAtMs: nowMs };
    this.#stopped.set(data.messageId, stopped);
    this.#publish(stopped);
    return { type: 'signal', ...signal };
  }

  /** A chunk came for a stream that ended. */
  remind(messageId: string): void {
    const stopped = this.#stopped.get(messageId);
    const nowMs = this.#ports.nowMs();
    if (stopped === undefined || stopped.toldAtMs + AGAIN_MS_MIN > nowMs) return;
    stopped.toldAtMs = nowMs;
    this.#publish(stopped);
  }

  #publish({ payload }: Stopped): void {
    const publish = async (): Promise<void> => {
      try {
        await this.#ports.publisher.signal(signalsSubject(this.#identity.tenant, this.#identity.sessionId), payload);
      } catch (error) {
        this.#ports.log('warn', 'a cancel did not reach NATS', { error: String(error) });
      }
    };
    this.#ports.background(publish());
  }
}
