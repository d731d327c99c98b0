import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Takes what is posted, as a collector would, and counts it; reads none of it, for its own work is on the same cores. */
export interface Collector {
  url: string;
  /** posts and their bytes so far */
  taken(): { posts: number; bytes: number };
  stop(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  let posts = 0;
  let bytes = 0;
  const server = createServer((request, response) => {
    posts += 1;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    taken: () => ({ posts, bytes }),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
