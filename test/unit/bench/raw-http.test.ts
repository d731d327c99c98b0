import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startDelayingProxy } from '../../../bench/load/delaying-proxy.ts';
import { RawHttp } from '../../../bench/load/raw-http.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const each of servers.splice(0)) each.close().closeAllConnections();
});

/** Answers 202 with the body that it got; in chunks, or with its length. */
async function echo(inChunks: boolean): Promise<number> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      if (!inChunks) response.setHeader('Content-Length', body.length);
      response.statusCode = 202;
      response.write(body.subarray(0, 3));
      response.end(body.subarray(3));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

test.each([true, false])('answers are read one after the other (in chunks: %s)', async (inChunks) => {
  const http = new RawHttp(`http://127.0.0.1:${await echo(inChunks)}`);
  await http.open();
  for (const body of ['{"text":"first"}', `{"text":"${'long '.repeat(10_000)}"}`, '{"text":"last"}']) {
    expect(await http.post(http.request('/path', 'token', body))).toBe(202);
  }
  expect(http.last).toContain('last');
  http.close();
});

test('a server that goes away is told to who waits', async () => {
  const http = new RawHttp(`http://127.0.0.1:${await echo(false)}`);
  await http.open();
  for (const each of servers.splice(0)) each.close().closeAllConnections();
  await expect(http.post(http.request('/path', 'token', '{}'))).rejects.toThrow(/closed|ECONNRESET|EPIPE/);
});

test('a proxy passes on all that comes, in order, and not before its time', async () => {
  const proxy = await startDelayingProxy('127.0.0.1', await echo(false), 20);
  const http = new RawHttp(`http://127.0.0.1:${proxy.port}`);
  await http.open();
  const startedAt = performance.now();
  expect(await http.post(http.request('/path', 'token', `{"text":"${'x'.repeat(200_000)}"}`))).toBe(202);
  // both ways; a timer may fire a millisecond early
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(2 * 19);
  http.close();
  await proxy.close();
});
