import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy.ts';
import { until } from '../../support/stack.ts';

/** A server that says back what it hears, and a way to it. */
let echo: Server;
let heard: string;
let ended: number;
let proxy: CuttingProxy;
let clients: Client[];

interface Client {
  socket: Socket;
  got: string;
  isClosed: boolean;
}

async function client(): Promise<Client> {
  const socket = connect(proxy.port, '127.0.0.1');
  const made: Client = { socket, got: '', isClosed: false };
  socket.on('data', (chunk: Buffer) => (made.got += chunk.toString()));
  socket.on('error', () => undefined);
  socket.on('close', () => (made.isClosed = true));
  clients.push(made);
  // one that is refused may never have been connected
  await new Promise<void>((settle) => socket.once('connect', settle).once('close', settle));
  return made;
}

beforeEach(async () => {
  [heard, ended, clients] = ['', 0, []];
  echo = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('close', () => (ended += 1));
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      socket.write(chunk);
    });
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  proxy = await startCuttingProxy(`http://127.0.0.1:${address.port}`);
});

afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await proxy.close();
  await new Promise((closed) => echo.close(closed));
});

/** What has gone through meanwhile would have come by now: another connection was there and back. */
async function roundTrip(): Promise<void> {
  const other = await client();
  other.socket.write('.');
  await until('it is back', () => other.got === '.');
}

describe('a proxy that breaks connections', () => {
  it('passes on in both directions, and the end too', async () => {
    const one = await client();
    one.socket.write('hello');
    await until('it is back', () => one.got === 'hello');
    expect(proxy.open()).toBe(1);
    one.socket.end();
    await until('the server has its end', () => ended === 1);
    await until('nothing is open', () => proxy.open() === 0);
  });

  it('cuts at once, and lets new ones through', async () => {
    const one = await client();
    proxy.cut();
    await until('it is closed', () => one.isClosed && ended === 1);
    await roundTrip();
  });

  it('refuses, new ones too, until it passes again', async () => {
    const one = await client();
    proxy.set('refuse');
    await until('it is closed', () => one.isClosed);
    const two = await client();
    await until('that too', () => two.isClosed);
    proxy.set('pass');
    await roundTrip();
  });

  it('holds without losing anything', async () => {
    const one = await client();
    one.socket.write('a');
    await until('it is back', () => one.got === 'a');
    proxy.set('hold');
    one.socket.write('b');
    const two = await client();
    two.socket.write('c');
    await new Promise((wake) => setImmediate(wake));
    expect(heard).toBe('a');
    proxy.set('pass');
    await until('all is there', () => one.got === 'ab' && two.got === 'c');
  });

  it('swallows and closes nothing, also when one end goes away; what lost bytes stays silent until it is cut', async () => {
    const one = await client();
    one.socket.write('a');
    await until('it is back', () => one.got === 'a');
    proxy.set('swallow');
    const two = await client();
    one.socket.write('b');
    two.socket.write('c');
    two.socket.end();
    await until('the proxy took it', () => one.socket.bytesWritten === 2 && two.socket.writableFinished);
    proxy.set('pass');
    await roundTrip();
    one.socket.write('d');
    await roundTrip();
    expect(heard).toBe('a..');
    expect([one.got, one.isClosed]).toEqual(['a', false]);
    proxy.cut();
    await until('it is closed', () => one.isClosed);
  });

  it('swallows answers alone: what is asked arrives', async () => {
    const one = await client();
    proxy.set('swallow-answers');
    one.socket.write('a');
    await until('the server heard it', () => heard === 'a');
    proxy.set('pass');
    await roundTrip();
    one.socket.write('b');
    await until('the server heard that too', () => heard.endsWith('b'));
    await roundTrip();
    expect(one.got).toBe('');
  });
});
