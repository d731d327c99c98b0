import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Hono } from 'hono';
import { jwtVerify } from 'jose';
import { cassandraClient } from '../../consumers/stores/history/cassandra-client.ts';
import { clusterSettings } from '../accept/cluster.ts';
import { serve } from './announce.ts';

/**
 * The usual write path: check the token, insert by cassandra-driver (prepared, QUORUM), answer, emit to the room.
 * `synchronous.ts {folder of the peers} {contact points}`.
 */

interface SocketServer {
  to(room: string): { emit(event: string, message: unknown): void };
  close(): Promise<void>;
}

interface NodeServerModule {
  getRequestListener: (fetch: (request: Request) => Response | Promise<Response>) => (...given: unknown[]) => void;
}

const TABLE = 'bench_messages';

serve(async () => {
  const [, , peers = '', contactPoints = ''] = process.argv;
  const require = createRequire(`${peers}/package.json`);
  const { getRequestListener } = require('@hono/node-server') as NodeServerModule;
  const { Server } = require('socket.io') as { Server: new (server: unknown, options: object) => SocketServer };
  const settings = clusterSettings(contactPoints);
  const client = cassandraClient(settings);
  await client.connect();
  const table = `${settings.keyspace}.${TABLE}`;
  await client.execute(
    `CREATE TABLE IF NOT EXISTS ${table} (session text, at timestamp, id text, author text, text text, PRIMARY KEY (session, at, id))`,
    [],
    { prepare: false },
  );
  const jwtSecret = randomBytes(32).toString('base64url');
  const key = new TextEncoder().encode(jwtSecret);
  const app = new Hono();
  const http = createServer((...given) => getRequestListener((request) => app.fetch(request))(...given));
  const io = new Server(http, { transports: ['websocket'], serveClient: false, perMessageDeflate: false });
  app.post('/v1/sessions/:s/messages', async (c) => {
    const token = c.req.header('Authorization')?.slice('Bearer '.length) ?? '';
    const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], requiredClaims: ['exp', 'sub'] });
    const { text } = await c.req.json<{ text: string }>();
    const message = { id: randomUUID(), session: c.req.param('s'), author: payload.sub ?? '', text, createdAt: new Date() };
    await client.execute(`INSERT INTO ${table} (session, at, id, author, text) VALUES (?, ?, ?, ?, ?)`, [
      message.session,
      message.createdAt,
      message.id,
      message.author,
      message.text,
    ]);
    io.to(message.session).emit('message', message);
    return c.json(message, 202);
  });
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  const { port } = http.address() as AddressInfo;
  const pids = { edge: [process.pid], all: [process.pid] };
  const detail = `Hono on Node ${process.versions.node}, cassandra-driver at ${settings.consistency}, Socket.IO`;
  const stop = async (): Promise<void> => {
    await io.close();
    await client.shutdown();
  };
  return { announcement: { url: `http://127.0.0.1:${port}`, jwtSecret, pids, detail }, stop };
});
