import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between two parts and adds the time of a network: what comes goes on so much later, in both directions, in order. */
export interface DelayingProxy {
  port: number;
  close(): Promise<void>;
}

export async function startDelayingProxy(
  host: string,
  port: number,
  delayMs: number,
  /** where it listens: the same host, at a free port or this one */
  listenPort = 0,
): Promise<DelayingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect({ host, port, noDelay: true });
    client.setNoDelay(true);
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk: Buffer) => void setTimeout(() => to.writable && to.write(chunk), delayMs));
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        setTimeout(() => to.destroy(), delayMs);
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listenPort, host, resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const each of sockets) each.destroy();
    });
  return { port: (server.address() as AddressInfo).port, close };
}
