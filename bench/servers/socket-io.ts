import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { serve } from './announce.ts';

/**
 * A Socket.IO room in memory, the usual way: `socket-io.ts {folder of the peers} [--recovery]`. Nothing is stored before the
 * acknowledgement; with --recovery it keeps what a client missed for two minutes, in memory.
 */

interface IncomingSocket {
  handshake: { query: Record<string, string | undefined> };
  join(room: string): void;
  on(event: 'send', listener: (text: string, acknowledge: (answer: unknown) => void) => void): void;
}

/** What the bench uses of socket.io's Server: the package is no dependency, so neither are its types. */
interface SocketServer {
  on(event: 'connection', listener: (socket: IncomingSocket) => void): void;
  to(room: string): { emit(event: string, message: unknown): void };
  close(): Promise<void>;
}

interface SocketIoModule {
  Server: new (server: ReturnType<typeof createServer>, options: Record<string, unknown>) => SocketServer;
}

/** Socket.IO's own default */
const RECOVERY_MS = 120_000;

serve(async () => {
  const peers = process.argv[2] ?? '';
  const { Server } = createRequire(`${peers}/package.json`)('socket.io') as SocketIoModule;
  const http = createServer();
  // as its documentation advises for speed (performance tuning): WebSocket alone, no compression, the native masking of `bufferutil`
  const options = { transports: ['websocket'], serveClient: false, perMessageDeflate: false, httpCompression: false };
  const recovery = process.argv.includes('--recovery')
    ? { connectionStateRecovery: { maxDisconnectionDuration: RECOVERY_MS } }
    : {};
  const io = new Server(http, { ...options, ...recovery });
  let nextId = 1;
  io.on('connection', (socket) => {
    const room = socket.handshake.query['room'] ?? '';
    socket.join(room);
    socket.on('send', (text, acknowledge) => {
      const message = { id: nextId, author: 'bench', text, createdAt: new Date().toISOString() };
      nextId += 1;
      // before the room gets it: the kindest order for its acceptance
      acknowledge({ id: message.id });
      io.to(room).emit('message', message);
    });
  });
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  const { port } = http.address() as AddressInfo;
  const pids = { edge: [process.pid], all: [process.pid] };
  return {
    announcement: {
      url: `http://127.0.0.1:${port}`,
      pids,
      detail: `Node ${process.versions.node}, room in memory, ${JSON.stringify({ ...options, ...recovery })}, bufferutil`,
    },
    stop: () => io.close(),
  };
});
