import { connect, createServer } from 'node:net';
import { type Ports, PORT_VARIABLES, SettingsError } from './settings.ts';

const HOST = '127.0.0.1';

function canListen(port: number): Promise<boolean> {
  return new Promise((settle, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') settle(false);
      else if (error.code === 'EACCES') settle(false);
      else reject(error);
    });
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => settle(true)));
  });
}

/** Throws SettingsError, naming port and variable, when one of them is taken. */
export async function requirePorts(ports: Partial<Ports>): Promise<void> {
  for (const [key, port] of Object.entries(ports) as [keyof Ports, number][]) {
    if (await canListen(port)) continue;
    const [variable] = PORT_VARIABLES[key];
    throw new SettingsError(`port ${port} is in use: stop what uses it, or set ${variable} to another port`);
  }
}

/** True when something accepts connections there. */
export function accepts(port: number, timeoutMs = 1_000): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ port, host: HOST });
    const done = (answer: boolean): void => {
      socket.destroy();
      settle(answer);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

/** `count` ports that were free just now. All are held open until the last is found, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      return new Promise<ReturnType<typeof createServer>>((settle, reject) => {
        const server = createServer();
        server.once('error', reject);
        server.listen({ port: 0, host: HOST }, () => settle(server));
      });
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
