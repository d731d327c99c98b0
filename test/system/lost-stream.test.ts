import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSqliteHistory } from '../../consumers/stores/history/sqlite.ts';
import type { Settings } from '../../scripts/supervisor/settings.ts';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { startCuttingProxy, type CuttingProxy } from '../support/cutting-proxy.ts';
import { until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** the minutes of the repair, as seconds */
const SHORT = {
  REPAIR_AFTER_MS: '1000',
  EVENTS_DUPLICATE_WINDOW_MS: '1000',
  UPKEEP_EVERY_MS: '1000',
  LIMIT_COMMANDS_PER_S: '100000',
  LIMIT_COMMANDS_BURST: '100000',
};
const PERSISTED_MS_MAX = 90_000;
const AGAIN = 'events that archive and stream had lost are published again';

interface Stored {
  sessionId: string;
  /** seq and id, in order */
  events: string[];
}

/** Sessions that are written to, and everything that was answered 202. */
class Load {
  readonly #alice: User;
  readonly accepted = new Map<string, { commandId: string; eventId: string; seq: number }[]>();

  constructor(alice: User) {
    this.#alice = alice;
  }

  async begin(sessionId: string): Promise<void> {
    this.#keep(sessionId, await this.#alice.create({ id: sessionId, title: sessionId }));
  }

  async send(sessionId: string, count: number, text = 'a message'): Promise<void> {
    for (let sent = 0; sent < count; sent += 1) this.#keep(sessionId, await this.#alice.send(sessionId, `${text} ${sent}`));
  }

  /** Waits until all that was answered 202 is persisted; what the store has then, session by session. */
  async settled(dataDir: string): Promise<Stored[]> {
    for (const [sessionId, all] of this.accepted) {
      for (const { commandId } of all) await this.#alice.persisted(sessionId, commandId, PERSISTED_MS_MAX);
    }
    const store = openSqliteHistory({ path: join(dataDir, 'history.db'), writes: false });
    const stored: Stored[] = [];
    for (const [sessionId, all] of this.accepted) {
      const events = await store.readEvents({ tenant: 'default', sessionId }, 1, all.length + 100, 64 * 1024 ** 2);
      stored.push({ sessionId, events: events.map(({ seq, id }) => `${seq} ${id}`) });
    }
    await store.close();
    return stored;
  }

  /** What it must have: each event once, under its seq. */
  get wanted(): Stored[] {
    return [...this.accepted].map(([sessionId, all]) => ({
      sessionId,
      events: all.map(({ seq, eventId }) => `${seq} ${eventId}`),
    }));
  }

  #keep(sessionId: string, { commandId, eventId, seq }: { commandId: string; eventId: string | null; seq: number }): void {
    const all = this.accepted.get(sessionId) ?? [];
    this.accepted.set(sessionId, [...all, { commandId, eventId: eventId ?? '', seq }]);
  }
}

const withServers = requireOrSkip('nats-server', natsServerMissing());

withServers('P6: a stream that loses what it acknowledged', () => {
  let stack: Stack;
  let alice: User;
  let edgeLink: CuttingProxy;
  let connection: NatsConnection;
  let manager: JetStreamManager;

  beforeAll(async () => {
    const detours = async (settings: Settings) => {
      edgeLink = await startCuttingProxy(`http://127.0.0.1:${settings.ports.edge}`);
      return { edgeUrl: edgeLink.url };
    };
    stack = await startStack({ env: SHORT, detours });
    alice = new User(stack.url, await stack.token('alice'));
    connection = await connect({ servers: stack.nats, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    manager = await jetstreamManager(connection);
    await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200);
  });
  afterAll(async () => {
    await connection?.close();
    await alice?.close();
    await stack?.stop();
    await edgeLink?.close();
  });

  const republished = (): number => stack.logs('edge').filter((line) => line.includes(AGAIN)).length;

  /** Events that JetStream has and the history has not taken. */
  async function sendUntaken(load: Load, sessions: readonly string[], count: number): Promise<void> {
    await stack.stop('consumers');
    const before = (await manager.streams.info(EVENTS_STREAM)).state.messages;
    for (const sessionId of sessions) await load.send(sessionId, count, 'to be lost');
    const wanted = before + sessions.length * count;
    await until('the stream has them', async () => (await manager.streams.info(EVENTS_STREAM)).state.messages >= wanted);
  }

  test('deleted under load and made anew: every 202 ends persisted, once', async () => {
    const load = new Load(alice);
    const sessions = ['anew-1', 'anew-2', 'anew-3'];
    for (const sessionId of sessions) await load.begin(sessionId);
    await Promise.all(sessions.map((sessionId) => load.send(sessionId, 20)));
    await sendUntaken(load, sessions, 20);
    const going = Promise.all(sessions.map((sessionId) => load.send(sessionId, 40, 'meanwhile')));
    await manager.streams.delete(EVENTS_STREAM);
    await going;
    await stack.start('consumers');
    expect(await load.settled(stack.dataDir)).toEqual(load.wanted);
    expect(republished()).toBeGreaterThan(0);
  });

  test('an older copy of its disk put back: what came since is published again', async () => {
    const load = new Load(alice);
    const sessions = ['tail-1', 'tail-2'];
    for (const sessionId of sessions) await load.begin(sessionId);
    await Promise.all(sessions.map((sessionId) => load.send(sessionId, 20)));
    expect(await load.settled(stack.dataDir)).toEqual(load.wanted);
    const before = republished();
    const [store, copy] = [join(stack.dataDir, 'nats'), join(stack.dataDir, 'nats-copy')];
    await stack.stop('nats');
    cpSync(store, copy, { recursive: true });
    await stack.start('nats');
    await sendUntaken(load, sessions, 30);
    await stack.stop('nats');
    rmSync(store, { recursive: true });
    cpSync(copy, store, { recursive: true });
    await stack.start('nats');
    await stack.start('consumers');
    expect(await load.settled(stack.dataDir)).toEqual(load.wanted);
    expect(republished()).toBeGreaterThan(before);
  });

  test('receipts that were lost are made up for by the archive, and nothing is published again', async () => {
    const load = new Load(alice);
    await load.begin('receipts');
    const before = republished();
    edgeLink.set('refuse');
    await load.send('receipts', 30);
    const store = openSqliteHistory({ path: join(stack.dataDir, 'history.db'), writes: false });
    const session = { tenant: 'default', sessionId: 'receipts' };
    await until('the archive has them', async () => (await store.heldRanges(session, [[1, 31]])).ranges[0]?.[1] === 31);
    await until('they are acknowledged', async () => {
      const info = await manager.consumers.info(EVENTS_STREAM, 'history');
      return info.num_ack_pending === 0 && info.num_pending === 0;
    });
    await store.close();
    stack.kill('consumers', 'SIGKILL');
    edgeLink.set('pass');
    expect(await load.settled(stack.dataDir)).toEqual(load.wanted);
    expect(republished()).toBe(before);
  });
});

withServers('P6: a stream that is too small', () => {
  const EVENTS_MAX_BYTES = 200_000;
  let stack: Stack;
  let alice: User;

  beforeAll(async () => {
    stack = await startStack({ env: { ...SHORT, EVENTS_MAX_BYTES: String(EVENTS_MAX_BYTES) } });
    alice = new User(stack.url, await stack.token('alice'));
    await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200);
  });
  afterAll(async () => {
    await alice?.close();
    await stack?.stop();
  });

  test('refuses what does not fit, is purged of what was taken, and all is persisted', async () => {
    const load = new Load(alice);
    await load.begin('full');
    await alice.persisted('full', load.accepted.get('full')?.[0]?.commandId ?? '');
    await stack.stop('consumers');
    await load.send('full', 100, 'x'.repeat(2_000));
    const last = load.accepted.get('full')?.at(-1)?.commandId ?? '';
    await until('the stream is full', () => stack.logs('edge').some((line) => line.includes('maximum bytes exceeded')));
    expect(await alice.status('full', last)).toMatchObject({ status: 'accepted' });
    await stack.start('consumers');
    expect(await load.settled(stack.dataDir)).toEqual(load.wanted);
    expect(stack.logs('consumers').some((line) => line.includes('purged what every read model has acknowledged'))).toBe(true);
    expect(stack.logs('consumers').some((line) => line.includes('the stream of events is nearly full'))).toBe(true);
    // what was purged is archived, and so nothing of it is published again
    expect(stack.logs('edge').some((line) => line.includes(AGAIN))).toBe(false);
  });
});
