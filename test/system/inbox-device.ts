import { z } from 'zod';
import { SUBPROTOCOL, TICKET_PROTOCOL_PREFIX } from '../../shared/contract/frames.ts';
import { until, type User } from '../support/client.ts';

const count = z.int().min(0).max(100);
const inboxItem = z.strictObject({
  sessionId: z.string(),
  unread: count,
  mentions: count,
  head: z.int().min(1),
  role: z.enum(['owner', 'member', 'viewer']).optional(),
  removed: z.literal(true).optional(),
});
const inboxFrame = z.strictObject({
  type: z.literal('inbox'),
  rev: z.int().min(0),
  items: z.array(inboxItem),
  more: z.literal(true).optional(),
});
export type Item = z.infer<typeof inboxItem>;
export type Frame = z.infer<typeof inboxFrame>;

export async function readInbox(user: User, after = 0): Promise<Frame> {
  return inboxFrame.parse((await user.get(`/v1/inbox?after=${after}`)).body);
}

/** A device of a user: it opens the inbox socket with a ticket, and comes back with its revision when it is cut off. */
export class Device {
  readonly items = new Map<string, Item>();
  rev = 0;
  frames = 0;
  readonly #user: User;
  #socket: WebSocket | undefined;
  #ended = false;

  constructor(user: User) {
    this.#user = user;
  }

  async open(): Promise<void> {
    const before = this.frames;
    const { body } = await this.#user.http.expect(201, 'POST', '/v1/inbox/tickets');
    const { ticket } = z.object({ ticket: z.string() }).parse(body);
    const address = `${this.#user.http.url.replace(/^http/, 'ws')}/v1/inbox/socket?after=${this.rev}`;
    const socket = new WebSocket(address, [SUBPROTOCOL, `${TICKET_PROTOCOL_PREFIX}${ticket}`]);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#take(String(data)));
    socket.addEventListener('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    await until('the first frame', () => this.frames > before);
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  /** Until the item of a session is as wanted; comes back when the socket is lost meanwhile. */
  async until(sessionId: string, wanted: Partial<Item>, withinMs?: number): Promise<Item> {
    return until(
      `an item like ${JSON.stringify(wanted)}`,
      async () => {
        if (!this.connected && !this.#ended) await this.open();
        const item = this.items.get(sessionId);
        const same = Object.entries(wanted).every(([key, value]) => item?.[key as keyof Item] === value);
        return same && item;
      },
      withinMs,
    );
  }

  close(): void {
    this.#ended = true;
    this.#socket?.close();
  }

  #take(text: string): void {
    const frame = inboxFrame.parse(JSON.parse(text));
    if (frame.rev < this.rev) throw new Error(`the revision fell from ${this.rev} to ${frame.rev}`);
    this.rev = frame.rev;
    this.frames += 1;
    for (const item of frame.items) this.items.set(item.sessionId, item);
  }
}
