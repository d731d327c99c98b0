import { env } from 'cloudflare:workers';
import type { InboxAnswer, InboxItem, SessionsItem } from '../../shared/contract/answers.ts';
import type { Inbox } from '../../worker/inbox/inbox.ts';
import { as, send, token, type Claims } from './edge.ts';
import { eventually, TestSocket } from './support.ts';

/** One user and all of its sessions, from outside; and the object behind it. */
export class InboxUser {
  readonly id: string;
  readonly claims: Claims;

  constructor(id: string, more: Record<string, unknown> = {}) {
    this.id = id;
    this.claims = { sub: id, ...more };
  }

  stub() {
    const { INBOX } = env as unknown as { INBOX: DurableObjectNamespace<Inbox> };
    return INBOX.get(INBOX.idFromName(`default/${this.id}`));
  }

  async list(query = ''): Promise<{ items: SessionsItem[]; nextCursor?: string }> {
    return await json(await as(this.claims, 'GET', `/v1/sessions${query}`));
  }

  async inbox(after?: number): Promise<InboxAnswer> {
    return await json(await as(this.claims, 'GET', `/v1/inbox${after === undefined ? '' : `?after=${after}`}`));
  }

  /** The item of a session once it is as wanted. */
  async item(sessionId: string, wanted: Partial<InboxItem>, withinMs?: number): Promise<InboxItem> {
    return eventually(
      `${this.id} sees ${JSON.stringify(wanted)}`,
      async () => (await this.inbox()).items.find((item) => item.sessionId === sessionId && matches(item, wanted)),
      withinMs,
    );
  }

  async ticket(): Promise<string> {
    const response = await as(this.claims, 'POST', '/v1/inbox/tickets');
    if (response.status !== 201) throw new Error(`no ticket: ${response.status} ${await response.text()}`);
    return (await response.json<{ ticket: string }>()).ticket;
  }

  async upgrade(init: { query?: string; headers?: Record<string, string>; anonymous?: true } = {}): Promise<Response> {
    const headers = {
      Upgrade: 'websocket',
      ...(init.anonymous === true ? {} : { Authorization: `Bearer ${await token(this.claims)}` }),
      ...init.headers,
    };
    return send('GET', `/v1/inbox/socket${init.query ?? ''}`, { headers });
  }

  async connect(query = ''): Promise<InboxDevice> {
    const response = await this.upgrade({ query });
    if (response.webSocket === null) throw new Error(`refused: ${response.status} ${await response.text()}`);
    return new InboxDevice(new TestSocket(response.webSocket));
  }
}

/** A device that keeps what the frames say. */
export class InboxDevice {
  readonly socket: TestSocket;

  constructor(socket: TestSocket) {
    this.socket = socket;
  }

  frames(): InboxAnswer[] {
    return this.socket.frames as unknown as InboxAnswer[];
  }

  rev(): number {
    return this.frames().at(-1)?.rev ?? 0;
  }

  items(): Map<string, InboxItem> {
    return new Map(this.frames().flatMap(({ items }) => items.map((item) => [item.sessionId, item] as const)));
  }

  async until(sessionId: string, wanted: Partial<InboxItem>): Promise<InboxItem> {
    return this.socket.until(`an item like ${JSON.stringify(wanted)}`, () => {
      const item = this.items().get(sessionId);
      return item !== undefined && matches(item, wanted) && item;
    });
  }
}

function matches(item: InboxItem, wanted: Partial<InboxItem>): boolean {
  return Object.entries(wanted).every(([key, value]) => item[key as keyof InboxItem] === value);
}

async function json<T>(response: Response): Promise<T> {
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return await response.json();
}
