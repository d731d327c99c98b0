import { beforeEach, describe, expect, it } from 'vitest';
import type { MillraceError } from '../../../../client/error.ts';
import { Connection, type ConnectionStatus } from '../../../../client/net/connection.ts';
import { Http } from '../../../../client/net/http.ts';
import { TokenSource } from '../../../../client/net/token-source.ts';
import { newRig, problem, type Rig, type ScriptedSocket } from '../rig.ts';

const HEARTBEAT_MS = 30_000;
/** longer than any wait between two attempts */
const LONG_MS = 60_000;
/** well within the bound for a pong */
const PONG_MS = 3_000;

let rig: Rig;
let connection: Connection;
let statuses: { status: ConnectionStatus; code: string | undefined }[];

beforeEach(() => {
  rig = newRig();
  statuses = [];
  const tokens = new TokenSource(rig.environment, rig.options.getToken);
  const http = new Http(rig.environment, tokens);
  connection = new Connection(rig.environment, tokens, {
    ticket: async () => {
      const { body, token } = await http.once<{ ticket: string }>({ method: 'POST', path: '/v1/tickets' });
      return { ticket: body.ticket, token };
    },
    path: () => '/v1/socket?after=7',
    onFrame: (frame) => {
      if (frame['type'] === 'welcome') connection.opened(HEARTBEAT_MS, rig.clock.nowMs + rig.tokenMs);
    },
    onStatus: (status: ConnectionStatus, error: MillraceError | undefined) => void statuses.push({ status, code: error?.code }),
  });
});

const last = (): ScriptedSocket => {
  const socket = rig.sockets.at(-1);
  if (socket === undefined) throw new Error('there is no socket');
  return socket;
};

async function open(): Promise<ScriptedSocket> {
  connection.start();
  await rig.pass(0);
  last().says({ type: 'welcome' });
  return last();
}

/** Lets time pass with a server that answers every ping. */
async function alive(socket: ScriptedSocket, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += PONG_MS) {
    await rig.pass(PONG_MS);
    socket.says('pong');
  }
}

describe('a connection', () => {
  it('gets a ticket, and offers it beside the protocol', async () => {
    const socket = await open();
    expect(socket.url).toBe('wss://edge.test/v1/socket?after=7');
    expect(socket.protocols).toEqual(['millrace.v1', 'ticket.t0']);
    expect(connection.status).toBe('open');
  });

  it('gets a new ticket for every attempt, and waits up to the exponential bound between them', async () => {
    const waits: number[] = [];
    connection.start();
    for (let attempt = 0; attempt < 9; attempt += 1) {
      await rig.pass(0);
      const count = rig.sockets.length;
      last().closes(1006);
      const fromMs = rig.clock.nowMs;
      await rig.clock.run(fromMs + LONG_MS, () => rig.sockets.length > count);
      waits.push(rig.clock.nowMs - fromMs);
    }
    // random is 0.5: half of the bound, which doubles up to 30 s
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    expect(new Set(rig.sockets.map(({ protocols }) => protocols[1])).size).toBe(10);
  });

  it.each([
    [4400, 'protocol'],
    [4403, 'removed'],
    [4410, 'session_not_found'],
  ])('does not come back after %d', async (code, error) => {
    (await open()).closes(code);
    expect(statuses.at(-1)).toEqual({ status: 'closed', code: error });
    await rig.pass(LONG_MS);
    expect(rig.sockets).toHaveLength(1);
  });

  it.each([[1012], [4408]])('comes back after %d within the jitter', async (code) => {
    (await open()).closes(code);
    await rig.pass(1_499);
    expect(rig.sockets).toHaveLength(1);
    await rig.pass(1);
    expect(rig.sockets).toHaveLength(2);
  });

  it('comes back after 4401 with a fresh token', async () => {
    (await open()).closes(4401);
    await rig.pass(LONG_MS / 10);
    expect([rig.sockets.length, rig.tokens.length]).toEqual([2, 2]);
    expect(rig.requests.at(-1)?.headers['Authorization']).toBe(`Bearer ${rig.tokens[1]}`);
  });

  it('waits at least five seconds after 4429', async () => {
    (await open()).closes(4429);
    await rig.pass(5_000);
    expect(rig.sockets).toHaveLength(1);
    await rig.pass(10_000);
    expect(rig.sockets).toHaveLength(2);
  });

  it.each([
    [404, 'session_not_found'],
    [403, 'forbidden'],
  ])('is over when a ticket is refused with %d', async (status, code) => {
    rig.answer = () => problem(code, status);
    connection.start();
    await rig.pass(LONG_MS);
    expect(statuses.at(-1)).toEqual({ status: 'closed', code });
    expect(rig.requests).toHaveLength(1);
  });

  it('asks for a ticket again after 503, no sooner than it was told', async () => {
    rig.answer = () => problem('unavailable', 503, { retryAfterMs: 20_000 });
    connection.start();
    await rig.pass(19_999);
    expect(rig.requests).toHaveLength(1);
    await rig.pass(1);
    expect(rig.requests).toHaveLength(2);
  });

  it('pings every heartbeat, and gives up a socket that does not answer', async () => {
    const socket = await open();
    await rig.pass(HEARTBEAT_MS);
    expect(socket.sent).toEqual(['ping']);
    socket.says('pong');
    await rig.pass(HEARTBEAT_MS + 9_999);
    expect([socket.sent.length, connection.status]).toEqual([2, 'open']);
    await rig.pass(1);
    expect(statuses.at(-1)).toEqual({ status: 'waiting', code: 'timeout' });
    await rig.pass(LONG_MS / 10);
    expect(rig.sockets).toHaveLength(2);
  });

  it('gives up an upgrade that brings no welcome', async () => {
    connection.start();
    await rig.pass(15_000);
    expect(statuses.at(-1)).toEqual({ status: 'waiting', code: 'timeout' });
  });

  it('renews its token before it expires, with a ticket that a fresh one got', async () => {
    rig.tokenMs = 100_000;
    const socket = await open();
    await alive(socket, 81_000);
    const renewal = socket.sent.filter((frame) => frame.includes('renew'));
    expect(renewal).toEqual([JSON.stringify({ type: 'renew', ticket: 't1' })]);
    expect(rig.tokens).toHaveLength(2);
    await alive(socket, 150_000);
    expect(socket.sent.filter((frame) => frame.includes('renew')).length, 'and the next one too').toBeGreaterThanOrEqual(2);
    expect(rig.sockets).toHaveLength(1);
  });

  it('comes back at once when the network does, and looks at an open socket when the page is looked at', async () => {
    (await open()).closes(1006);
    rig.sign('online');
    await rig.pass(0);
    expect(rig.sockets).toHaveLength(2);
    last().says({ type: 'welcome' });
    rig.sign('visible');
    expect(last().sent).toEqual(['ping']);
  });

  it('sends nothing into a socket that is closing', async () => {
    const socket = await open();
    socket.readyState = 2;
    expect(connection.send({ type: 'signal' })).toBe(false);
    expect(socket.sent).toEqual([]);
  });

  it('does not listen to a socket that it gave up', async () => {
    const socket = await open();
    connection.stop();
    socket.says({ type: 'welcome' });
    socket.closes(4403);
    expect(connection.status).toBe('idle');
    await rig.pass(LONG_MS);
    expect(rig.sockets).toHaveLength(1);
  });

  it('resumes after a frame that is no JSON object', async () => {
    (await open()).says('{"half":');
    expect(statuses.at(-1)).toEqual({ status: 'waiting', code: 'protocol' });
  });
});
