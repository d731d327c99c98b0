import { afterAll, beforeAll, expect, test } from 'vitest';
import { PIN_MS } from '../../consumers/relay/source.ts';
import { ACK_WAIT_MS } from '../../consumers/runtime/streams.ts';
import { Backend } from '../support/backend.ts';
import { readEvents, until, User } from '../support/client.ts';
import { RelayProcess } from '../support/relay-process.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const ACTOR = { id: 'bot', kind: 'agent' };
const SESSIONS = Array.from({ length: 6 }, (_none, at) => `taken-${at}`);
const ROUNDS = 40;
/** fewer, where it is measured how soon they are settled */
const ROUNDS_STOPPED = 16;
/** the pin's end, the ack timer of what the dead relay had (15 s), and a busy machine */
const TAKEOVER_MS_MAX = 90_000;

let stack: Stack;
let backend: Backend;
let bot: User;
const relays: RelayProcess[] = [];

const startRelay = async (): Promise<RelayProcess> => {
  const relay = await RelayProcess.start({
    natsUrl: stack.nats,
    edgeUrl: stack.url,
    internalSecret: stack.secrets.internalSecret,
  });
  relays.push(relay);
  return relay;
};

const texts = async (sessionId: string): Promise<string[]> =>
  (await readEvents(bot.http, sessionId)).events.flatMap(({ type, data }) =>
    type === 'message.created' ? [(data as { text: string }).text] : [],
  );

/** Publishes rounds of commands to all sessions; `halfway` is called once in their middle, and the load goes on meanwhile. */
async function load(name: string, rounds: number, halfway: () => Promise<void>): Promise<string[]> {
  const sent: string[] = [];
  let between: Promise<void> | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const text = `${name} ${round}`;
    sent.push(text);
    for (const sessionId of SESSIONS) {
      await backend.publish(sessionId, { command: 'message.send', data: { text }, actor: ACTOR });
    }
    if (round === rounds / 2) between = halfway();
  }
  await between;
  return sent;
}

requireOrSkip('nats-server', natsServerMissing())('several relays', () => {
  const expected: string[] = [];

  beforeAll(async () => {
    stack = await startStack({ parts: ['nats', 'edge'], env: { LIMIT_COMMANDS_PER_S: '5000', LIMIT_COMMANDS_BURST: '5000' } });
    await stack.edgeReady();
    bot = new User(stack.url, await stack.token('bot', { kind: 'agent' }));
    backend = await Backend.connect(stack.nats);
    await startRelay();
    await backend.ready();
    for (const sessionId of SESSIONS) {
      await backend.ask(sessionId, { command: 'session.create', data: { title: 'Taken over' }, actor: ACTOR });
    }
    await startRelay();
  });
  afterAll(async () => {
    await Promise.all(relays.map(async (relay) => await relay.end('SIGKILL')));
    await backend?.close();
    await bot?.close();
    await stack?.stop();
  });

  test('are one that is active and others that stand by', async () => {
    const [active, standby] = relays;
    expected.push(...(await load('calm', ROUNDS, async () => {})));
    await until('all are settled', async () => (await backend.waiting()) === 0, TAKEOVER_MS_MAX);
    for (const sessionId of SESSIONS) expect(await texts(sessionId)).toEqual(expected);
    expect([active?.wasActive, standby?.wasActive]).toEqual([true, false]);
  });

  test('take over from one that is killed amid the load, with the order kept and nothing lost or doubled', async () => {
    const [active, standby] = relays;
    expected.push(...(await load('killed', ROUNDS, async () => await active?.end('SIGKILL'))));
    await until('all are settled', async () => (await backend.waiting()) === 0, TAKEOVER_MS_MAX);
    for (const sessionId of SESSIONS) expect(await texts(sessionId)).toEqual(expected);
    expect(standby?.wasActive).toBe(true);
    expect(await backend.letters()).toEqual([]);
  });

  test('take over at once from one that is stopped', async () => {
    const [, active] = relays;
    const next = await startRelay();
    expected.push(...(await load('stopped', ROUNDS_STOPPED, async () => await active?.end('SIGTERM'))));
    const stoppedAtMs = Date.now();
    await until('all are settled', async () => (await backend.waiting()) === 0, TAKEOVER_MS_MAX);
    for (const sessionId of SESSIONS) expect(await texts(sessionId)).toEqual(expected);
    // no ack timer had to run out: it gave back what it had, also what came while it stopped
    expect(Date.now() - stoppedAtMs).toBeLessThan(ACK_WAIT_MS - 1_000);
    // and no pin either
    expect(active?.says('the pin could not be given up: it runs out by itself')).toBe(0);
    const [stopped, taken] = [active?.saidAtMs('stopped') ?? 0, next.saidAtMs('the active relay') ?? Number.POSITIVE_INFINITY];
    expect(taken - stopped).toBeLessThan(PIN_MS / 2);
  });
});
