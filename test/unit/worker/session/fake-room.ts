import { DEFAULT_LIMITS } from '../../../../shared/core/limits.ts';
import { FanOut } from '../../../../worker/session/fan-out.ts';
import type { EncodedEvent, EventLog } from '../../../../worker/session/event-log.ts';
import type { RoomPorts, SocketPort } from '../../../../worker/session/ports.ts';

/** A socket whose frames are looked at, and whose attachment outlives the room. */
export class FakePort implements SocketPort {
  readonly sent: string[] = [];
  saved: unknown;
  closed: number | undefined;
  send(text: string): void {
    this.sent.push(text);
  }
  close(code: number): void {
    this.closed = code;
  }
  save(attachment: unknown): void {
    this.saved = structuredClone(attachment);
  }
  load(): unknown {
    return this.saved;
  }
  lastPongMs(): undefined {
    return undefined;
  }
  frames(): { type: string; name?: string; data?: object }[] {
    return this.sent.map((text) => JSON.parse(text) as { type: string });
  }
}

/** A tail of small events, as many as there are. */
class FakeLog {
  head = 0;
  floor = 1;
  range(from: number, countMax: number): EncodedEvent[] {
    const count = Math.max(0, Math.min(countMax, this.head - from + 1));
    return Array.from({ length: count }, (_, at) => fakeEvent(from + at));
  }
  byteSums(): (above: number, to: number) => number {
    return (above, to) => to - above;
  }
}

export function fakeEvent(seq: number): EncodedEvent {
  return { seq, id: `e${seq}`, type: 'message.created', body: `{"seq":${seq}}`, bytes: 10, atMs: 0 };
}

/** What a room's parts need, with a clock that the test moves and delays that end when it says so. */
export class FakeRoom {
  nowMs = 1_000_000;
  readonly log = new FakeLog();
  readonly ports: RoomPorts;
  readonly fanOut: FanOut;
  alarmAtMs: number | undefined;
  #work: Promise<void>[] = [];
  #delays: (() => void)[] = [];

  /** `sockets`: those that the platform kept over a sleep */
  constructor(sockets: readonly FakePort[] = []) {
    const ports: Partial<RoomPorts> = {
      nowMs: () => this.nowMs,
      synced: async () => undefined,
      nextTurn: async () => undefined,
      delay: () => new Promise((resolve) => this.#delays.push(resolve)),
      background: (work) => void this.#work.push(work),
      sockets: () => [...sockets],
      setAlarm: (atMs) => (this.alarmAtMs = atMs),
      log: (_level, message, fields) => {
        throw new Error(`${message} ${JSON.stringify(fields)}`);
      },
    };
    // the parts under test call nothing else
    this.ports = ports as RoomPorts;
    this.fanOut = new FanOut(this.ports, this.log as unknown as EventLog, DEFAULT_LIMITS);
  }

  connect(userId = 'alice', afterSeq = this.log.head): FakePort {
    const port = new FakePort();
    const caller = { actor: { id: userId, kind: 'user' as const }, tokenExpiresAtMs: Number.MAX_SAFE_INTEGER };
    this.fanOut.attach(port, caller, { afterSeq, quiet: false }, '{"type":"welcome"}');
    return port;
  }

  /** Lets flushes run until nothing but delays is left. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }

  /** All delays end, and the time goes on by as much. */
  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    for (const wake of this.#delays.splice(0)) wake();
    await this.settle();
  }

  get waiting(): number {
    return this.#delays.length;
  }
}
