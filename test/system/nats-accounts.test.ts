import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { AuthorizationError, connect, headers, PermissionViolationError, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS_STREAM, DEAD_LETTERS_STREAM, EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { until, User } from '../support/client.ts';
import { ConsumerProcess } from '../support/consumer-processes.ts';
import { DeployedNats } from '../support/deployed-nats.ts';
import { parseExposition } from '../support/exposition.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** The whole system under the accounts and certificates of deploy/nats, and what each of its users is refused. The cases build on each other. */

const ROOT = join(import.meta.dirname, '../..');
const COMMAND_MS_MAX = 90_000;
const SESSION = 'guarded';
const BOT = { id: 'bot', kind: 'agent' };

let nats: DeployedNats;
let stack: Stack;
let consumers: ConsumerProcess;
let admin: ConsumerProcess;
let alice: User;
const connections: NatsConnection[] = [];

async function as(user: string, inboxPrefix?: string): Promise<NatsConnection> {
  const connection = await nats.connect(user, inboxPrefix);
  connections.push(connection);
  return connection;
}

/** What the server refused of what an action did; empty when it let all of it pass. */
async function refusedOf(connection: NatsConnection, action: () => void): Promise<string[]> {
  const refused: string[] = [];
  let watched = true;
  const watch = async (): Promise<void> => {
    for await (const each of connection.status()) {
      if (!watched) return;
      if (each.type === 'error' && each.error instanceof PermissionViolationError) refused.push(each.error.subject);
    }
  };
  void watch();
  action();
  // the server answers in order: what it refused of the action is here before the second answer
  await connection.flush();
  await connection.flush();
  watched = false;
  return refused;
}

async function publishes(connection: NatsConnection, subject: string, payload = ''): Promise<boolean> {
  return (await refusedOf(connection, () => connection.publish(subject, payload))).length === 0;
}

async function subscribes(connection: NatsConnection, subject: string, queue?: string): Promise<boolean> {
  const options = { callback: () => undefined, ...(queue === undefined ? {} : { queue }) };
  let subscription: ReturnType<NatsConnection['subscribe']> | undefined;
  const refused = await refusedOf(connection, () => {
    subscription = connection.subscribe(subject, options);
  });
  subscription?.unsubscribe();
  return refused.length === 0;
}

/** Messages of a stream on the subjects that match. */
async function messagesIn(stream: string, subjects = '>'): Promise<number> {
  const operator = await nats.connect('operators', '_INBOX_operators');
  try {
    const { state } = await (await jetstreamManager(operator)).streams.info(stream, { subjects_filter: subjects });
    return Object.values(state.subjects ?? {}).reduce((sum, each) => sum + each, 0);
  } finally {
    await operator.close();
  }
}

/** A backend's command, and what came to its reply subject. */
async function ask(backend: NatsConnection, tenant: string, payload: object, reply: string): Promise<Record<string, unknown>> {
  const subscription = backend.subscribe(reply, { max: 1, timeout: 60_000 });
  const all = headers();
  all.set('Millrace-Reply', reply);
  await jetstream(backend).publish(`millrace.commands.${tenant}.${SESSION}`, JSON.stringify(payload), { headers: all });
  for await (const message of subscription) return message.json<Record<string, unknown>>();
  throw new Error('nothing came');
}

const consumersEnv = (): Record<string, string> => ({
  NATS_URL: nats.url,
  NATS_CREDS: nats.seed('consumers'),
  NATS_INBOX_PREFIX: '_INBOX_consumers',
  BACKEND_REPLIES: 'replies.{tenant}.',
  NODE_EXTRA_CA_CERTS: nats.pem.ca,
});
const operatorsEnv = (): Record<string, string> => ({
  ...consumersEnv(),
  NATS_CREDS: nats.seed('operators'),
  NATS_INBOX_PREFIX: '_INBOX_operators',
});

requireOrSkip('nats-server', natsServerMissing())('accounts of NATS', () => {
  beforeAll(async () => {
    nats = await DeployedNats.single([
      { tenant: 'acme', reads: false },
      { tenant: 'globex', reads: true },
    ]);
    stack = await startStack({
      parts: ['edge'],
      env: {
        NATS_URL: nats.url,
        NATS_WS_URL: nats.webSocketUrl,
        NATS_CREDS: nats.seed('edge'),
        NODE_EXTRA_CA_CERTS: nats.pem.ca,
        LIMIT_COMMANDS_PER_S: '2000',
        LIMIT_COMMANDS_BURST: '2000',
      },
    });
    consumers = await ConsumerProcess.roles(stack, 'history,search,analytics,notifications,query,upkeep,relay', consumersEnv());
    admin = await ConsumerProcess.roles(stack, 'admin', operatorsEnv());
    alice = new User(stack.url, await stack.token('alice', { tenant: 'acme' }));
  });

  afterAll(async () => {
    await alice?.close();
    await Promise.all(connections.map(async (each) => await each.close()));
    await Promise.all([consumers?.stop(), admin?.stop()]);
    await stack?.stop();
    await nats?.stop();
  });

  test('everything works', async () => {
    await alice.create({ id: SESSION, title: 'Guarded', members: [{ userId: 'bot', role: 'member' }] });
    const { commandId } = await alice.send(SESSION, 'a needle in the hay');
    await alice.persisted(SESSION, commandId);
    const ready = await (await fetch(`${stack.url}/readyz`)).json();
    expect(ready).toMatchObject({ status: 'ok' });
    await until('search finds it', async () => {
      const { body } = await alice.get('/v1/search?q=needle');
      return (body as { items: unknown[] }).items.length === 1;
    });
    const olga = new User(stack.url, await stack.token('olga', { scope: 'admin', tenant: 'acme' }));
    const { body } = await olga.get(`/v1/admin/audit/sessions/${SESSION}`);
    expect(body).toMatchObject({ findings: [] });
    const letters = (await olga.get('/v1/admin/dead-letters')).body;
    expect(letters).toMatchObject({ items: [] });
  });

  test('a backend acts for its tenant, hears of it, and reads what it may', async () => {
    const [acme, globex] = [await as('tenant-acme'), await as('tenant-globex')];
    const heard: string[] = [];
    globex.subscribe('millrace.events.globex.>', { callback: (_error, message) => void heard.push(message.subject) });
    globex.subscribe('millrace.receipts.globex.*', { callback: (_error, message) => void heard.push(message.subject) });
    await globex.flush();
    const send = { command: 'message.send', data: { text: 'by NATS' }, actor: BOT };
    expect(await ask(acme, 'acme', send, 'replies.acme.1')).toHaveProperty('seq');
    const create = { command: 'session.create', data: { title: 'Theirs' }, actor: BOT };
    expect(await ask(globex, 'globex', create, 'replies.globex.1')).toMatchObject({ seq: 1 });
    await until('it hears events', () => heard.includes(`millrace.events.globex.session.created.${SESSION}`));
    await until('it hears receipts', () => heard.includes(`millrace.receipts.globex.${SESSION}`));
    // token chunks go up, and a stop comes down
    const started = await ask(acme, 'acme', { command: 'stream.start', data: {}, actor: BOT }, 'replies.acme.2');
    const messageId = String(started['entityId']);
    const stops: unknown[] = [];
    acme.subscribe(`millrace.signals.acme.${SESSION}`, { callback: (_error, message) => void stops.push(message.json()) });
    await acme.flush();
    const watched = await alice.watch(SESSION);
    const chunk = { name: 'stream', actor: BOT, data: { messageId, index: 0, text: 'token' } };
    acme.publish(`millrace.signals.acme.${SESSION}`, JSON.stringify(chunk));
    await alice.command('POST', `/v1/sessions/${SESSION}/streams/${messageId}/cancel`, {});
    await until('the backend is told to stop', () => JSON.stringify(stops).includes('"cancel"'));
    await watched.socket.close();
  });

  test('what people run works with the key of operators', async () => {
    const env = {
      PATH: process.env['PATH'],
      EDGE_URL: stack.url,
      INTERNAL_SECRET: stack.secrets.internalSecret,
      DATA_DIR: stack.dataDir,
      ...operatorsEnv(),
    };
    const rebuild = spawn(process.execPath, [join(ROOT, 'consumers/rebuild.ts'), 'search'], { env });
    let said = '';
    rebuild.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(rebuild, 'exit');
    // what comes after the swap is a wait, of half a minute, for whoever still reads the old one
    await until(
      `the new index serves: ${said}`,
      () => said.includes('rebuild: clear') || rebuild.exitCode !== null,
      COMMAND_MS_MAX,
    );
    rebuild.kill('SIGKILL');
    await ended;
    expect(said).toContain('rebuild: clear');
    const audit = [join(ROOT, 'consumers/audit/main.ts'), '--session', SESSION, '--tenant', 'acme'];
    const { status, stdout, stderr } = spawnSync(process.execPath, audit, { env, encoding: 'utf8', timeout: COMMAND_MS_MAX });
    expect(status, `${stdout}${stderr}`).toBe(0);
  });

  test('a refused command is a dead letter that an operator redrives', async () => {
    const acme = await as('tenant-acme');
    const nobody = { command: 'message.send', data: { text: 'x' }, actor: { id: 'stranger', kind: 'user' } };
    expect(await ask(acme, 'acme', nobody, 'replies.acme.3')).toMatchObject({ code: 'session_not_found' });
    const olga = new User(stack.url, await stack.token('olga', { scope: 'admin', tenant: 'acme' }));
    const { body } = await olga.get('/v1/admin/dead-letters?consumer=relay');
    const id = (body as { items: { id: string }[] }).items[0]?.id ?? '';
    const redrive = async () => await olga.http.request('POST', `/v1/admin/dead-letters/${id}/redrive`);
    const again = await redrive();
    expect(again.status, JSON.stringify(again.body)).toBe(409);
    await alice.command('PUT', `/v1/sessions/${SESSION}/members/stranger`, { role: 'member' });
    const answers = acme.subscribe('replies.acme.3', { max: 1, timeout: 60_000 });
    const taken = await redrive();
    expect(taken.status, JSON.stringify(taken.body)).toBe(200);
    for await (const answer of answers) expect(answer.json()).toMatchObject({ sessionId: SESSION });
  });

  test('nothing of all that was against the rights of who did it', async () => {
    // what is looked at every few seconds, too
    const port = Number(/"msg":"metrics are served".*?"port":(\d+)/.exec(consumers.output)?.[1]);
    await until('every durable was looked at', async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const { samples = [] } = parseExposition(text).get('millrace_consumer_pending') ?? {};
      return ['MILLRACE_COMMANDS', 'MILLRACE_DEAD_LETTERS', 'MILLRACE_RECEIPTS'].every((stream) =>
        samples.some(({ labels }) => labels['stream'] === stream),
      );
    });
    expect(
      nats
        .log()
        .split('\n')
        .filter((line) => /violation/i.test(line)),
    ).toEqual([]);
  });

  describe('the edge', () => {
    test('publishes events and asks, and neither reads the stream nor calls its API', async () => {
      const edge = await as('edge');
      expect(await publishes(edge, 'millrace.signals.acme.x')).toBe(true);
      for (const subject of [
        `$JS.API.STREAM.INFO.${EVENTS_STREAM}`,
        `$JS.API.STREAM.MSG.GET.${EVENTS_STREAM}`,
        `$JS.API.DIRECT.GET.${EVENTS_STREAM}`,
        `$JS.API.CONSUMER.CREATE.${EVENTS_STREAM}`,
        `$JS.API.CONSUMER.MSG.NEXT.${EVENTS_STREAM}.history`,
        `$JS.ACK.${EVENTS_STREAM}.history.1.1.1.1.1`,
        'millrace.commands.acme.x',
        'millrace.dead.history',
        'millrace.receipts.acme.x',
        'millrace.redrive.history',
        'millrace.admin-log.acme',
        '_R_.x',
      ]) {
        expect(await publishes(edge, subject), `publish ${subject}`).toBe(false);
      }
      for (const subject of ['millrace.events.>', 'millrace.>', '>', '_INBOX_consumers.>', '$JS.>', 'millrace.query.*']) {
        expect(await subscribes(edge, subject), `subscribe ${subject}`).toBe(false);
      }
      // and where nobody answers, it is told so at once, through the wall of its account too
      await expect(edge.request('millrace.query.none', '', { timeout: 2_000 })).rejects.toThrow('no responders');
    });

    test('cannot have an answer or an acknowledgement sent to where it may not publish', async () => {
      const edge = await as('edge');
      const before = { events: await messagesIn(EVENTS_STREAM), commands: await messagesIn(COMMANDS_STREAM) };
      const question = JSON.stringify({ v: 1, op: 'log.list' });
      for (const reply of [
        `$JS.API.STREAM.PURGE.${EVENTS_STREAM}`,
        `$JS.API.STREAM.DELETE.${COMMANDS_STREAM}`,
        'millrace.commands.acme.forged',
      ]) {
        edge.publish('millrace.events.acme.message.created.none', 'no event', { reply });
        edge.publish('millrace.admin', question, { reply });
        edge.publish('millrace.query.history', '{}', { reply });
      }
      await edge.flush();
      // three that are no events, each of which becomes a dead letter of every read model
      await until('they are stored', async () => (await messagesIn(EVENTS_STREAM)) === before.events + 3);
      expect(await messagesIn(COMMANDS_STREAM)).toBe(before.commands);
    });
  });

  test('consumers cannot publish events, nor act as operators or backends', async () => {
    const workers = await as('consumers', '_INBOX_consumers');
    const manager = await jetstreamManager(workers);
    expect((await manager.streams.info(EVENTS_STREAM)).config.name).toBe(EVENTS_STREAM);
    for (const subject of [
      'millrace.events.acme.message.created.x',
      'millrace.commands.acme.x',
      'millrace.admin',
      'millrace.admin-log.acme',
      'millrace.redrive.history',
      'millrace.signals.acme.x',
      `$JS.API.STREAM.DELETE.${EVENTS_STREAM}`,
      `$JS.API.STREAM.MSG.DELETE.${DEAD_LETTERS_STREAM}`,
      `$JS.API.STREAM.PURGE.${DEAD_LETTERS_STREAM}`,
      `$JS.API.STREAM.RESTORE.${EVENTS_STREAM}`,
      `$JS.API.CONSUMER.CREATE.${COMMANDS_STREAM}.mine`,
    ]) {
      expect(await publishes(workers, subject), `publish ${subject}`).toBe(false);
    }
    for (const subject of ['millrace.events.>', 'millrace.commands.>', 'millrace.admin', '_INBOX_operators.>', '>']) {
      expect(await subscribes(workers, subject), `subscribe ${subject}`).toBe(false);
    }
  });

  describe("a tenant's backend", () => {
    test('cannot touch another tenant, nor the system', async () => {
      const acme = await as('tenant-acme');
      for (const subject of [
        `millrace.commands.globex.${SESSION}`,
        `millrace.signals.globex.${SESSION}`,
        'millrace.events.acme.message.created.x',
        'replies.globex.1',
        'millrace.admin',
        'millrace.query.history',
        `$JS.API.STREAM.INFO.${COMMANDS_STREAM}`,
      ]) {
        expect(await publishes(acme, subject), `publish ${subject}`).toBe(false);
      }
      const others = ['millrace.events.globex.>', 'millrace.signals.globex.*', 'millrace.signals.*.*', 'replies.globex.>'];
      // its own events too: they were not given to it
      for (const subject of [...others, 'millrace.events.acme.>', 'millrace.commands.>', '>']) {
        expect(await subscribes(acme, subject), `subscribe ${subject}`).toBe(false);
      }
    });

    test("cannot have a reply sent to another's, nor an acknowledgement", async () => {
      const [acme, globex] = [await as('tenant-acme'), await as('tenant-globex')];
      const heard: string[] = [];
      globex.subscribe('replies.globex.>', { callback: (_error, message) => void heard.push(message.subject) });
      await globex.flush();
      const create = { command: 'message.send', data: { text: 'x' }, actor: BOT };
      const theirs = 'millrace.events.globex.>';
      const events = await messagesIn(EVENTS_STREAM, theirs);
      const buried = await messagesIn(DEAD_LETTERS_STREAM, 'millrace.dead.relay');
      const all = headers();
      all.set('Millrace-Reply', 'replies.globex.1');
      await jetstream(acme).publish(`millrace.commands.acme.${SESSION}`, JSON.stringify(create), { headers: all });
      for (const reply of [
        `millrace.commands.globex.${SESSION}`,
        'replies.globex.2',
        'millrace.events.globex.session.created.x',
      ]) {
        acme.publish(`millrace.commands.acme.${SESSION}`, '{}', { reply });
      }
      await acme.flush();
      // in order behind them, and settled: nothing of theirs is still under way
      expect(await ask(acme, 'acme', create, 'replies.acme.4')).toHaveProperty('seq');
      expect(await messagesIn(EVENTS_STREAM, theirs)).toBe(events);
      // all four of its own: the reply that was forbidden, and three that are no commands
      expect(await messagesIn(DEAD_LETTERS_STREAM, 'millrace.dead.relay')).toBe(buried + 4);
      expect(await ask(globex, 'globex', create, 'replies.globex.3')).toHaveProperty('seq');
      expect(heard).toEqual(['replies.globex.3']);
    });
  });

  test('nobody comes in without a key, or without TLS', async () => {
    const tls = { caFile: nats.pem.ca };
    await expect(connect({ servers: nats.url, tls, reconnect: false })).rejects.toThrow(AuthorizationError);
    // a server that is not vouched for is not spoken to
    await expect(connect({ servers: nats.url, reconnect: false })).rejects.toThrow();
    await expect(fetch(nats.webSocketUrl.replace('wss:', 'http:'))).resolves.toMatchObject({ status: 400 });
  });

  test('keys are changed one by one while everything runs', async () => {
    const old = nats.seed('edge');
    nats.keys.begin('edge');
    nats.keys.write();
    await nats.reload();
    const next = nats.seed('edge.next');
    for (const seed of [old, next]) await (await nats.connectWith(seed)).close();
    nats.keys.end('edge');
    nats.keys.write();
    await nats.reload();
    await (await nats.connectWith(next)).close();
    await expect(nats.connectWith(old)).rejects.toThrow(AuthorizationError);
  });
});
