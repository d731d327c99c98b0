import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rebuildInChild } from '../../consumers/admin/rebuild-child.ts';
import { FeedStopped } from '../../consumers/runtime/archive-feed.ts';
import type { ConsumerState, Overview } from '../../shared/contract/system.ts';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { until, User } from '../support/client.ts';
import { ConsumerProcess } from '../support/consumer-processes.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** What operators see and do, with real processes that come and go. The cases build on each other. */

const WITHIN_MS = 60_000;
const SESSION = 'operated';

let stack: Stack;
let others: ConsumerProcess;
let search: ConsumerProcess | undefined;
let alice: User;
let connection: NatsConnection;
let manager: JetStreamManager;

async function ask(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${stack.url}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${await stack.token('olga', { scope: 'admin' })}`,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

// its shape is what the conformance suite and the document hold
const overview = async (): Promise<Overview> => (await ask('GET', '/v1/admin/overview')).body as Overview;

/** Undefined while nobody says. */
async function stateOf(name: string): Promise<ConsumerState | undefined> {
  const { status, body } = await ask('GET', '/v1/admin/consumers');
  return status === 200 ? (body as { items: ConsumerState[] }).items.find((each) => each.name === name) : undefined;
}

/** The parts that /readyz says are not ready. */
async function away(): Promise<string[]> {
  const response = await fetch(`${stack.url}/readyz`);
  const { parts } = (await response.json()) as { parts: Record<string, { status: string }> };
  const names = Object.entries(parts).flatMap(([name, { status }]) => (status === 'ok' ? [] : [name]));
  expect(response.status).toBe(names.length === 0 ? 200 : 503);
  return names.toSorted();
}

async function found(word: string): Promise<number> {
  const { status, body } = await alice.http.request('GET', `/v1/search?q=${word}`);
  return status === 200 ? (body as { total: number }).total : -1;
}

async function durables(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of manager.consumers.list(EVENTS_STREAM)) names.push(name);
  return names.toSorted();
}

requireOrSkip('nats-server', natsServerMissing())('operators', () => {
  beforeAll(async () => {
    stack = await startStack({ parts: ['nats', 'edge'] });
    others = await ConsumerProcess.roles(stack, 'history,notifications,analytics,upkeep,query,admin,relay');
    connection = await connect({ servers: stack.nats });
    manager = await jetstreamManager(connection);
    alice = new User(stack.url, await stack.token('alice'));
    await alice.create({ id: SESSION, title: 'Operated' });
  });
  afterAll(async () => {
    await search?.stop();
    await others?.stop();
    await connection?.close();
    await stack?.stop();
  });

  test('a durable that nobody made is missed by its name, and is there with its worker', { timeout: 120_000 }, async () => {
    const missing = ['durable:search', 'store:search', 'worker:search'];
    await until('all else is ready', async () => String(await away()) === String(missing), WITHIN_MS);
    expect(await stateOf('search')).toEqual({ name: 'search', status: 'down', workers: 0 });
    const shown = await overview();
    expect(shown.status).toBe('degraded');
    expect(shown.roles.items.find(({ name }) => name === 'search')).toMatchObject({ status: 'down', workers: 0 });
    search = await ConsumerProcess.roles(stack, 'search');
    await until('all is ready', async () => (await away()).length === 0, WITHIN_MS);
    await until('all is well', async () => (await overview()).status === 'ok', WITHIN_MS);
  });

  test('a pause lasts over a restart of its workers, and is no alarm', { timeout: 120_000 }, async () => {
    expect((await ask('POST', '/v1/admin/consumers/search/pause')).status).toBe(200);
    await alice.send(SESSION, 'zymurgy');
    await until('it is behind', async () => ((await stateOf('search'))?.lag ?? 0) > 0, WITHIN_MS);
    await search?.stop();
    search = await ConsumerProcess.roles(stack, 'search');
    await until('all is well', async () => (await overview()).status === 'ok', WITHIN_MS);
    const state = await stateOf('search');
    expect(state).toMatchObject({ paused: true, workers: 1 });
    expect(state?.oldestAgeMs).toBeGreaterThan(0);
    expect(await found('zymurgy')).toBe(0);
    expect((await ask('POST', '/v1/admin/consumers/search/resume')).status).toBe(200);
    await until('it is found', async () => (await found('zymurgy')) === 1, WITHIN_MS);
    await until('nothing is left', async () => (await stateOf('search'))?.lag === 0, WITHIN_MS);
  });

  test('a rebuild begins, is the only one, and the old one serves on', { timeout: 60_000 }, async () => {
    const begun = await ask('POST', '/v1/admin/consumers/search/rebuild');
    expect(begun).toMatchObject({ status: 202, body: { name: 'search', status: 'running' } });
    expect((await ask('POST', '/v1/admin/consumers/search/rebuild')).status).toBe(409);
    expect(await found('zymurgy')).toBe(1);
    await until('it is seen to run', async () => (await stateOf('search'))?.rebuild?.status === 'running', WITHIN_MS);
  });

  test('a worker that is gone is missed though its durable stands', { timeout: 120_000 }, async () => {
    await search?.stop();
    const missing = ['store:search', 'worker:search'];
    await until('it is missed', async () => String(await away()) === String(missing), WITHIN_MS);
    expect(await stateOf('search')).toMatchObject({ status: 'up', workers: 0 });
    search = await ConsumerProcess.roles(stack, 'search');
  });

  test('the relay can be paused too: commands wait, and none is lost', { timeout: 120_000 }, async () => {
    expect((await ask('POST', '/v1/admin/consumers/relay/pause')).status).toBe(200);
    const command = { command: 'message.send', data: { text: 'relayed' }, actor: { id: 'alice', kind: 'user' } };
    connection.publish(`millrace.commands.default.${SESSION}`, JSON.stringify(command));
    await until('it waits', async () => ((await stateOf('relay'))?.lag ?? 0) > 0, WITHIN_MS);
    expect((await ask('POST', '/v1/admin/consumers/relay/resume')).status).toBe(200);
    await until('it is found', async () => (await found('relayed')) === 1, WITHIN_MS);
  });

  test('the rebuild comes to its end, and nothing of it is left', { timeout: 180_000 }, async () => {
    await until('it has ended', async () => (await stateOf('search'))?.rebuild?.status === 'completed', 120_000);
    expect(await found('zymurgy')).toBe(1);
    expect(await durables()).not.toContain('search-rebuild');
  });

  test('one that is ended before it changed anything leaves no trace', { timeout: 60_000 }, async () => {
    const before = await durables();
    const { nats, url, secrets, dataDir } = stack;
    const env = { ...process.env, NATS_URL: nats, EDGE_URL: url, INTERNAL_SECRET: secrets.internalSecret, DATA_DIR: dataDir };
    for (let round = 0; round < 2; round += 1) {
      const ending = new AbortController();
      let claims = 0;
      const begun = async (): Promise<void> => {
        claims += 1;
        ending.abort();
        await Promise.resolve();
      };
      const rebuilt = rebuildInChild('search', { begun, report: () => undefined, signal: ending.signal }, env);
      await expect(rebuilt).rejects.toBeInstanceOf(FeedStopped);
      // also the second time: the claim of the first is given back
      expect(claims).toBe(1);
    }
    expect(await durables()).toEqual(before);
  });

  test('with NATS away the overview is there, and says what it does not know', { timeout: 60_000 }, async () => {
    await stack.stop('nats');
    expect((await ask('GET', '/v1/admin/overview')).status).toBe(200);
    const body = await overview();
    expect(body).toMatchObject({ status: 'degraded', edge: { status: 'up' } });
    for (const part of ['streams', 'consumers', 'stores', 'roles', 'deadLetters', 'rebuilds'] as const)
      expect(body[part]).toEqual({ status: 'unknown', items: [] });
    for (const uplink of body.uplinks) expect(uplink.status).toBe('down');
    expect((await ask('GET', '/v1/admin/consumers')).status).toBe(503);
    expect(await away()).toEqual(expect.arrayContaining(['consumers', 'history', 'uplink', 'uplink:uplink-0']));
    await stack.start('nats');
    await until('all is ready', async () => (await away()).length === 0, WITHIN_MS);
  });
});
