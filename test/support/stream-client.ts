import { SUBPROTOCOL, TICKET_PROTOCOL_PREFIX } from '../../shared/contract/frames.ts';
import { ticket } from '../../scripts/replay/answers.ts';
import { HttpClient, sessionPath } from './client.ts';
import { StreamReader, type StreamSignal } from './stream-reader.ts';

/** A frame as it came; who looks at it knows what it asked for. */
export type RawFrame = StreamSignal & {
  id?: string;
  user?: { id: string };
  result?: { seq: number; eventId: string | null };
  error?: { code: string; expectedIndex?: number };
  events?: { seq: number; type: string; subject: string; data: { text?: string; status?: string } }[];
  at?: string;
};

/** One user's socket, which may be cut and come back with its cursor, and all that it saw over its connections. */
export class StreamClient {
  readonly reader = new StreamReader();
  readonly events: NonNullable<RawFrame['events']> = [];
  readonly signals: RawFrame[] = [];
  readonly faults: string[] = [];
  cuts = 0;
  #socket: WebSocket | undefined;
  #ids = 0;
  readonly #answers = new Map<string, (frame: RawFrame) => void>();
  readonly #http: HttpClient;
  readonly #sessionId: string;

  constructor(url: string, token: string, sessionId: string) {
    this.#http = new HttpClient({ url, token, patienceMs: 60_000 });
    this.#sessionId = sessionId;
  }

  /** Connects, from the cursor when it was connected before; resolves with the welcome. */
  async connect(): Promise<void> {
    const path = sessionPath(this.#sessionId);
    const issued = ticket.parse((await this.#http.expect(201, 'POST', `${path}/tickets`)).body);
    const after = this.events.at(-1)?.seq;
    const address = `${this.#http.url.replace(/^http/, 'ws')}${path}/socket${after === undefined ? '' : `?after=${after}`}`;
    const socket = new WebSocket(address, [SUBPROTOCOL, `${TICKET_PROTOCOL_PREFIX}${issued.ticket}`]);
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('error', () => reject(new Error('the socket failed')));
      socket.addEventListener('close', () => {
        if (this.#socket === socket) this.#socket = undefined;
        reject(new Error('the socket closed'));
      });
      socket.addEventListener('message', ({ data }) => {
        // what a connection that was cut still brings is lost with it
        if (this.#socket !== socket) return;
        const frame = JSON.parse(String(data)) as RawFrame;
        if (frame.type === 'welcome') resolve();
        this.#take(frame);
      });
    });
  }

  /** The connection is gone for the client, whatever was under way. */
  cut(): void {
    this.cuts += 1;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  /** A command; its ack or reject. */
  command(command: string, data: object): Promise<RawFrame> {
    this.#ids += 1;
    const id = `c${this.#ids}`;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#socket?.send(JSON.stringify({ type: 'command', id, command, data }));
    });
  }

  #take(frame: RawFrame): void {
    if (frame.type === 'events') this.events.push(...(frame.events ?? []));
    if (frame.type === 'signal') this.signals.push(frame);
    if (frame.type === 'ack' || frame.type === 'reject') this.#answers.get(frame.id ?? '')?.(frame);
    try {
      this.reader.take(frame);
    } catch (error) {
      this.faults.push(String(error));
    }
  }
}
