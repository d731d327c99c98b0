import { connect, createServer, type Socket } from 'node:net';

/** Stands between a client and the edge, and breaks what goes through it. */
export interface CuttingProxy {
  url: string;
  /** connections that go through now */
  open(): number;
  /** Destroys every connection; what was under way is lost. */
  cut(): void;
  /** Passes nothing on any more, in either direction, and closes nothing: as a network that just went away. */
  silence(): void;
  close(): Promise<void>;
}

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    socket.pipe(upstream).pipe(socket);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    open: () => sockets.size / 2,
    cut,
    silence: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        cut();
      }),
  };
}
