import { SUBPROTOCOL, TICKET_PROTOCOL_PREFIX, type ServerFrame } from '../../shared/contract/frames.ts';
import { WINDOW_BYTES, WINDOW_EVENTS } from '../../shared/core/limits.ts';
import type { Connection } from './connection.ts';
import type { Control, Dialect } from './dialect.ts';
import { HttpClient } from './http-client.ts';
import { tokenOf, userId } from './token.ts';

const HTTP_CONNECTIONS_MAX = 8;
/** a client says `received` at a quarter of the window (contract of the session socket) */
const RECEIVED_EVERY_EVENTS = WINDOW_EVENTS / 4;
const RECEIVED_EVERY_BYTES = WINDOW_BYTES / 4;
const SEQ_KEY = Buffer.from('"seq":');

export interface MillraceOptions {
  url: string;
  room: string;
  senders: number;
  jwtSecret: string;
}

interface Unconfirmed {
  events: number;
  bytes: number;
}

/** The session socket: tickets, subprotocols, commands as frames, `received` as flow control. */
export function millraceDialect(options: MillraceOptions): Dialect {
  const { hostname, port } = new URL(options.url);
  const http = new HttpClient(options.url, HTTP_CONNECTIONS_MAX);
  const session = `/v1/sessions/${options.room}`;
  const unconfirmed = new WeakMap<Connection, Unconfirmed>();
  let ownerToken = '';
  return {
    readyAtOpen: false,
    prepare: async () => {
      ownerToken = await tokenOf(userId(0), options.jwtSecret);
      const members = Array.from({ length: options.senders - 1 }, (_, index) => ({ userId: userId(index + 1), role: 'member' }));
      const body = { id: options.room, title: 'bench', visibility: 'public', members };
      await expect(http.post('/v1/sessions', ownerToken, body), 202);
    },
    endpoint: async (index) => {
      const token = await tokenOf(userId(index), options.jwtSecret);
      const { ticket } = JSON.parse(await expect(http.post(`${session}/tickets`, token, {}), 201)) as { ticket: string };
      return {
        host: hostname,
        port: Number(port),
        path: `${session}/socket`,
        protocols: [SUBPROTOCOL, `${TICKET_PROTOCOL_PREFIX}${ticket}`],
      };
    },
    send: (number, text) => JSON.stringify({ type: 'command', id: String(number), command: 'message.send', data: { text } }),
    control: (_connection, payload) => takeControl(payload),
    delivered: (connection, payload, count) => {
      const open = unconfirmed.get(connection) ?? { events: 0, bytes: 0 };
      open.events += count;
      open.bytes += payload.length;
      unconfirmed.set(connection, open);
      if (open.events < RECEIVED_EVERY_EVENTS && open.bytes < RECEIVED_EVERY_BYTES) return;
      unconfirmed.set(connection, { events: 0, bytes: 0 });
      connection.send(JSON.stringify({ type: 'received', seq: lastSeq(payload) }));
    },
    sendByHttp: async (text) => {
      await expect(http.post(`${session}/messages`, ownerToken, { text }), 202);
    },
    close: () => http.close(),
  };
}

function takeControl(payload: Buffer): Control {
  const frame = JSON.parse(payload.toString()) as ServerFrame | { type: 'signal' };
  if (frame.type === 'welcome') return { ready: true };
  if (frame.type === 'ack') return { acked: Number(frame.id) };
  if (frame.type === 'reject') throw new Error(`a command was rejected: ${JSON.stringify(frame.error)}`);
  return undefined;
}

/** The seq of the last event in a frame: the text that the bench sends holds no quotes, so that the key stands only in envelopes. */
function lastSeq(frame: Buffer): number {
  const at = frame.lastIndexOf(SEQ_KEY) + SEQ_KEY.length;
  return Number.parseInt(frame.toString('latin1', at, at + 10), 10);
}

async function expect(pending: Promise<{ status: number; body: string }>, status: number): Promise<string> {
  const answer = await pending;
  if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${answer.body.slice(0, 400)}`);
  return answer.body;
}
