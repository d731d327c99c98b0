import { connect, createServer, type Socket } from 'node:net';

/**
 * - `pass`: as if it were not there
 * - `refuse`: every connection is reset, new ones too
 * - `hold`: nothing goes through and nothing is lost, as in an outage that TCP outlives
 * - `swallow`: what comes is thrown away and nobody hears of it, not even of the other's end: half-open connections
 * - `swallow-answers`: the same on the way back only: what is asked arrives and is done, and the asker never knows
 */
export type LinkMode = 'pass' | 'refuse' | 'hold' | 'swallow' | 'swallow-answers';

/** Stands between two parts, and breaks what goes through it. */
export interface CuttingProxy {
  readonly url: string;
  readonly port: number;
  /** connections that go through now */
  open(): number;
  /** Destroys every connection; what was under way is lost. */
  cut(): void;
  /** From now on, also for connections that are there. Those that lost bytes stay silent, whatever the mode: nobody resets them but `cut`. */
  set(mode: LinkMode): void;
  close(): Promise<void>;
}

interface End {
  socket: Socket;
  /** something that it sent was thrown away: what comes after makes no sense to the other */
  isDeaf: boolean;
}

class Pair {
  readonly client: End;
  readonly server: End;
  readonly #mode: () => LinkMode;

  constructor(client: Socket, server: Socket, mode: () => LinkMode, forget: (pair: Pair) => void) {
    this.client = { socket: client, isDeaf: false };
    this.server = { socket: server, isDeaf: false };
    this.#mode = mode;
    this.#join(this.client, this.server, () => mode() === 'swallow', forget);
    this.#join(this.server, this.client, () => mode() === 'swallow' || mode() === 'swallow-answers', forget);
    this.follow();
  }

  destroy(): void {
    this.client.socket.resetAndDestroy();
    this.server.socket.resetAndDestroy();
  }

  /** Does what the mode asks of a connection that is there. */
  follow(): void {
    if (this.#mode() === 'refuse') return this.destroy();
    for (const { socket } of [this.client, this.server]) {
      if (this.#mode() === 'hold') socket.pause();
      else socket.resume();
    }
  }

  #join(from: End, to: End, swallows: () => boolean, forget: (pair: Pair) => void): void {
    from.socket.on('data', (chunk: Buffer) => {
      from.isDeaf ||= swallows();
      if (from.isDeaf || to.socket.destroyed || to.socket.write(chunk)) return;
      from.socket.pause();
      to.socket.once('drain', () => this.#mode() !== 'hold' && from.socket.resume());
    });
    // the close that follows tells the other
    from.socket.on('error', () => undefined);
    from.socket.on('end', () => void (from.isDeaf || swallows() || to.socket.end()));
    from.socket.on('close', (hadError) => {
      from.isDeaf ||= swallows();
      if (!from.isDeaf) {
        if (hadError) to.socket.resetAndDestroy();
        else to.socket.destroySoon();
      }
      if (this.client.socket.destroyed && this.server.socket.destroyed) forget(this);
    });
  }
}

/** Listens on `port`, or a free one, of 127.0.0.1. */
export async function startCuttingProxy(target: string, port = 0): Promise<CuttingProxy> {
  const to = new URL(target);
  const pairs = new Set<Pair>();
  let mode: LinkMode = 'pass';
  const server = createServer((client) => {
    // a reset that nobody listens to would end the process
    client.on('error', () => undefined);
    if (mode === 'refuse') return void client.resetAndDestroy();
    pairs.add(
      new Pair(
        client,
        connect(Number(to.port), to.hostname),
        () => mode,
        (pair) => pairs.delete(pair),
      ),
    );
  });
  await new Promise<void>((listening, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', listening);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const set = (next: LinkMode): void => {
    mode = next;
    for (const pair of pairs) pair.follow();
  };
  const cut = (): void => {
    for (const pair of pairs) pair.destroy();
  };
  return {
    url: `${to.protocol}//127.0.0.1:${address.port}`,
    port: address.port,
    open: () => pairs.size,
    cut,
    set,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        cut();
      }),
  };
}
