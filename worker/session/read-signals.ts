import type { SignalFrame } from '../../shared/contract/frames.ts';
import type { RoomPorts } from './ports.ts';

/** after a read pointer was told, others wait so long, and go together: of each user the last */
const READ_SIGNALS_MS = 250;
/** told at once; each goes to every socket, so a crowd that reads along must not grow with its square */
const READ_SIGNALS_MAX = 100;
/** users that may wait; beyond it they are not told: GET …/members says how far everybody has read */
const WAITING_USERS_MAX = 1_000;

/** Read pointers on their way to the sockets. A lone one goes at once. */
export class ReadSignals {
  readonly #ports: Pick<RoomPorts, 'delay' | 'background'>;
  readonly #send: (frame: SignalFrame) => void;
  readonly #waiting = new Map<string, SignalFrame>();
  #pacing = false;

  constructor(ports: Pick<RoomPorts, 'delay' | 'background'>, send: (frame: SignalFrame) => void) {
    this.#ports = ports;
    this.#send = send;
  }

  tell(frame: SignalFrame): void {
    const { id } = frame.user;
    if (this.#waiting.has(id) || this.#waiting.size < WAITING_USERS_MAX) this.#waiting.set(id, frame);
    if (this.#pacing) return;
    this.#pacing = true;
    this.#flush();
    this.#ports.background(this.#pace());
  }

  async #pace(): Promise<void> {
    try {
      do await this.#ports.delay(READ_SIGNALS_MS);
      while (this.#flush());
    } finally {
      this.#pacing = false;
    }
  }

  /** False when nobody waited. */
  #flush(): boolean {
    let sent = 0;
    for (const [id, frame] of this.#waiting) {
      if (sent === READ_SIGNALS_MAX) break;
      this.#waiting.delete(id);
      this.#send(frame);
      sent += 1;
    }
    return sent > 0;
  }
}
