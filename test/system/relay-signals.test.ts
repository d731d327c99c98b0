import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SIGNATURE_HEADER, signalsRequest, TIMESTAMP_HEADER, type SignalsRequest } from '../../shared/contract/internal.ts';
import { signalsSubject } from '../../shared/contract/subjects.ts';
import { NatsLink } from '../../worker/uplink/nats-link.ts';
import { Backend } from '../support/backend.ts';
import { until } from '../support/client.ts';
import { RelayProcess } from '../support/relay-process.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const ACTOR = { id: 'bot', kind: 'agent' };
const CHUNKS = 2_000;
const chunk = (index: number) => ({ name: 'stream', actor: ACTOR, data: { messageId: 'm1', index, text: `${index} ` } });

/** In the edge's place: takes signed signals, and says what came. */
class SignalDoor {
  readonly calls: SignalsRequest['sessions'][] = [];
  /** while true, calls are answered 503 */
  away = false;
  #secret = '';
  readonly #server: Server = createServer((request, response) => {
    const take = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const part of request) chunks.push(part as Buffer);
      const body = Buffer.concat(chunks).toString();
      const stamped = `${String(request.headers[TIMESTAMP_HEADER.toLowerCase()])}.${body}`;
      const isSigned =
        request.headers[SIGNATURE_HEADER.toLowerCase()] === createHmac('sha256', this.#secret).update(stamped).digest('hex');
      if (this.away || !isSigned || request.url !== '/internal/signals') return void response.writeHead(503).end();
      this.calls.push(signalsRequest.parse(JSON.parse(body)).sessions);
      response.writeHead(200).end('{"lost":0}');
    };
    take().catch(() => response.writeHead(500).end());
  });

  async listen(secret: string): Promise<string> {
    this.#secret = secret;
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  of(sessionId: string): SignalsRequest['sessions'][number]['signals'] {
    return this.calls.flat().flatMap((session) => (session.sessionId === sessionId ? session.signals : []));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

requireOrSkip('nats-server', natsServerMissing())('signals of backends', () => {
  let stack: Stack;
  let backend: Backend;
  let relay: RelayProcess;
  const door = new SignalDoor();

  beforeAll(async () => {
    stack = await startStack({ parts: ['nats'] });
    const edgeUrl = await door.listen(stack.secrets.internalSecret);
    relay = await RelayProcess.start({ natsUrl: stack.nats, edgeUrl, internalSecret: stack.secrets.internalSecret });
    backend = await Backend.connect(stack.nats);
  });
  afterAll(async () => {
    await relay?.end('SIGKILL');
    door.close();
    await backend?.close();
    await stack?.stop();
  });

  test('reach the edge in the order in which they came, many in one call', async () => {
    for (let index = 0; index < CHUNKS; index += 1) backend.signal('long', chunk(index));
    backend.signal('short', { name: 'typing', actor: ACTOR, data: { active: true } });
    await until('all came', () => door.of('long').length >= CHUNKS && door.of('short').length === 1);
    expect(door.of('long').map(({ data }) => ('index' in data ? data.index : -1))).toEqual(
      Array.from({ length: CHUNKS }, (_none, index) => index),
    );
    expect(door.of('short')).toEqual([{ name: 'typing', actor: ACTOR, data: { active: true } }]);
    expect(door.calls.length).toBeLessThan(CHUNKS / 20);
  });

  test('that mean nothing, or are of the edge itself, are not passed on', async () => {
    const edge = new NatsLink({ servers: [stack.natsWs], name: 'edge' });
    const cancel = { name: 'cancel', data: { messageId: 'm1' } };
    // sound in itself: only who published it tells it from a backend's
    await edge.signal(signalsSubject('default', 'ours'), JSON.stringify(chunk(0)));
    for (const signal of [cancel, { name: 'stream', data: {} }, { ...chunk(1), surprise: 1 }]) backend.signal('ours', signal);
    backend.connection.publish(signalsSubject('default', 'ours'), 'nonsense');
    backend.connection.publish(signalsSubject('NOBODY', 'ours'), JSON.stringify(chunk(2)));
    backend.signal('ours', chunk(3));
    await until('the last came', () => door.of('ours').length > 0);
    expect(door.of('ours')).toEqual([chunk(3)]);
  });

  test('are lost while the edge is away, and only those', async () => {
    door.away = true;
    backend.signal('gap', chunk(0));
    await backend.connection.flush();
    await until('it is told', () => relay.says('signals lost') > 0);
    door.away = false;
    backend.signal('gap', chunk(1));
    await until('the next came', () => door.of('gap').length > 0);
    expect(door.of('gap')).toEqual([chunk(1)]);
  });
});
