import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';

/** Stands between a client and the edge, passes everything on, and lets `tamper` change the body of an answer. */
export interface TamperingProxy {
  url: string;
  close(): Promise<void>;
}

export async function startTamperingProxy(
  target: string,
  tamper: (path: string, body: string) => string,
): Promise<TamperingProxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => forward({ hostname, port }, incoming, outgoing, tamper));
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    const upstream = connect(Number(port), hostname, () => {
      const headers = incoming.rawHeaders.flatMap((name, at) =>
        at % 2 === 0 ? [`${name}: ${incoming.rawHeaders[at + 1] ?? ''}`] : [],
      );
      upstream.write(`GET ${incoming.url ?? '/'} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      upstream.write(head);
      socket.pipe(upstream).pipe(socket);
    });
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function forward(
  to: { hostname: string; port: string },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  tamper: (path: string, body: string) => string,
): void {
  const path = incoming.url ?? '/';
  // a compressed body could not be read here
  const upstream = request(
    { ...to, path, method: incoming.method, headers: { ...incoming.headers, 'accept-encoding': 'identity' } },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.from(tamper(path, Buffer.concat(chunks).toString()));
        const { 'transfer-encoding': _chunked, ...headers } = answer.headers;
        outgoing.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': body.length });
        outgoing.end(body);
      });
    },
  );
  upstream.on('error', () => outgoing.destroy());
  incoming.pipe(upstream);
}
