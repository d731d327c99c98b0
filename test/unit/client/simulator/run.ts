import { Millrace, type MillraceError, type ClientMessage, type Event, type Session } from '../../../../client/index.ts';
import type { MessageAnswer } from '../../../../shared/contract/answers.ts';
import { CLOSE_CODES } from '../../../../shared/core/codes.ts';
import { SimulatedClock, seeded } from './clock.ts';
import { ModelEdge } from './edge.ts';
import { Machine, type Faults } from './network.ts';

const CHAOS_MS = 90_000;
const HEAL_MS_MAX = 15 * 60_000;
const CALM_MS = 60_000;
const USERS = ['ann', 'ben', 'cleo'] as const;

interface Command {
  key: string;
  name: string;
  settled: number;
  seq?: number;
  eventId?: string | null;
  error?: MillraceError;
}

interface Player {
  id: string;
  machine: Machine;
  client: Millrace;
  session: Session;
  commands: Command[];
  /** seq of each event as it was handed out, in runs that a start over separates */
  runs: Event[][];
}

export interface Report {
  seed: number;
  events: number;
  commands: number;
  starts: number;
}

/** One simulated run: three people, everything that goes wrong, and then peace. Throws with what is not as it should be. */
export async function simulate(seed: number): Promise<Report> {
  const random = seeded(seed);
  const clock = new SimulatedClock();
  const edge = new ModelEdge(clock);
  const owner = { id: 'ann', kind: 'user' as const };
  const members = USERS.filter((id) => id !== 'ann').map((userId) => ({ userId, role: 'member' }));
  edge.session.execute(owner, 'session.create', { title: 'Chaos', members }, 'create');
  for (let before = Math.floor(random() * 20); before > 0; before -= 1) {
    edge.session.execute(owner, 'message.send', { text: `early ${before}`, id: `early-${before}` }, `early-${before}`);
  }
  const players = USERS.map((id) => player(id, clock, edge, random));
  for (const each of players) {
    act(each, clock, edge, random);
    disturb(each, clock, edge, random);
  }
  await clock.run(clock.nowMs + CHAOS_MS);
  chaosOver.add(clock);
  for (const { machine } of players) machine.heal();
  await clock.run(clock.nowMs + HEAL_MS_MAX, () => players.every((each) => atPeace(each, edge)));
  // what was read at a moment that nobody can tell is read again, and a late repetition would show
  await clock.run(clock.nowMs + CALM_MS);
  for (const each of players) verify(each, edge);
  const report = {
    seed,
    events: edge.session.head,
    commands: players.reduce((sum, { commands }) => sum + commands.length, 0),
    starts: players.reduce((sum, { runs }) => sum + runs.length, 0),
  };
  for (const { client } of players) client.close();
  return report;
}

/** clocks whose chaos has ended: nobody acts or disturbs any more */
const chaosOver = new WeakSet<SimulatedClock>();

function faultsOf(random: () => number): Faults {
  const some = (most: number): number => (random() < 0.5 ? random() * most : 0);
  return {
    requestLost: some(0.2),
    answerLost: some(0.2),
    answerNever: some(0.05),
    answerHalved: some(0.1),
    requestRepeated: some(0.2),
    busy: some(0.2),
    upgradeRefused: some(0.3),
    tokenFails: some(0.3),
    latencyMsMax: random() < 0.3 ? 2_000 : 120,
  };
}

function player(id: string, clock: SimulatedClock, edge: ModelEdge, random: () => number): Player {
  const machine = new Machine(clock, edge, random, id, faultsOf(random));
  const client = new Millrace(machine.options());
  const session = client.session('s');
  const each: Player = { id, machine, client, session, commands: [], runs: [[]] };
  session.on('event', (event) => each.runs.at(-1)?.push(event));
  session.on('reset', () => void each.runs.push([]));
  // some look at the session only later, and go on by HTTP until then
  clock.after(random() < 0.3 ? random() * CHAOS_MS : 0, () => void session.open());
  return each;
}

function act(each: Player, clock: SimulatedClock, edge: ModelEdge, random: () => number): void {
  clock.after(100 + random() * 4_000, () => {
    if (chaosOver.has(clock)) return;
    one(each, edge, random);
    act(each, clock, edge, random);
  });
}

function one(each: Player, edge: ModelEdge, random: () => number): void {
  const { session } = each;
  const all = [...edge.session.state.messages.values()];
  const any = all[Math.floor(random() * all.length)];
  const own = all.filter(({ author }) => author === each.id);
  const mine = own[Math.floor(random() * own.length)];
  const roll = random();
  const key = `${each.id}-key-${each.commands.length}`;
  const options = { idempotencyKey: key };
  if (roll < 0.15 && any !== undefined) {
    const name = random() < 0.6 ? ('reaction.add' as const) : ('reaction.remove' as const);
    const emoji = random() < 0.5 ? '👍' : ':ship:';
    note(each, name, key, session.command(name, { messageId: any.id, emoji }, options));
  } else if (roll < 0.6) {
    const parent = any !== undefined && random() < 0.4 ? { parentId: any.id } : {};
    const burst = random() < 0.1 ? 8 : 1;
    for (let at = 0; at < burst; at += 1) {
      const id = `${key}-${at}`;
      note(each, 'message.send', id, session.send({ text: `${id} says`, id, ...parent }, { idempotencyKey: id }).settled);
    }
  } else if (roll < 0.75 && mine !== undefined) {
    note(each, 'message.edit', key, session.command('message.edit', { messageId: mine.id, text: `${key} edits` }, options));
  } else if (roll < 0.82 && mine !== undefined) {
    note(each, 'message.delete', key, session.command('message.delete', { messageId: mine.id }, options));
  } else if (roll < 0.86) {
    // only the owner may: for the others a refusal that must hold nobody up
    const name = edge.session.state.session()?.status === 'archived' ? 'session.restore' : 'session.archive';
    note(each, name, key, session.command(name, {}, options));
  } else if (roll < 0.92) {
    note(each, 'session.update', key, session.command('session.update', { title: `by ${key}` }, options));
  } else if (roll < 0.96) {
    note(each, 'read.advance', key, session.command('read.advance', { seq: session.cursor.seq }, options));
  } else if (session.getSnapshot().status === 'live') {
    const thread = any !== undefined && random() < 0.5 ? any.parentId : undefined;
    void (thread === undefined ? session.loadOlder() : session.loadThread(thread)).catch(() => {});
  }
}

function note(each: Player, name: string, key: string, outcome: Promise<{ seq: number; eventId: string | null }>): void {
  const command: Command = { key, name, settled: 0 };
  each.commands.push(command);
  outcome.then(
    ({ seq, eventId }) => Object.assign(command, { settled: command.settled + 1, seq, eventId }),
    (error: unknown) => Object.assign(command, { settled: command.settled + 1, error }),
  );
}

function disturb(each: Player, clock: SimulatedClock, edge: ModelEdge, random: () => number): void {
  clock.after(500 + random() * 20_000, () => {
    if (chaosOver.has(clock)) return;
    const roll = random();
    if (roll < 0.25) each.machine.cut(true);
    else if (roll < 0.4) each.machine.cut(false);
    else if (roll < 0.55) each.machine.goOffline(random() * 30_000);
    else if (roll < 0.65) each.machine.sleep(random() * 120_000);
    else if (roll < 0.75) each.machine.closeFromServer(CLOSE_CODES.rate);
    else if (roll < 0.85) edge.closeAll(CLOSE_CODES.restart);
    else if (roll < 0.88) edge.changeEpoch();
    else each.machine.faults = faultsOf(random);
    disturb(each, clock, edge, random);
  });
}

function atPeace({ session, commands }: Player, edge: ModelEdge): boolean {
  const { status } = session.getSnapshot();
  const settled = commands.every((command) => command.settled > 0);
  return status === 'live' && settled && session.cursor.seq === edge.session.head;
}

function verify(each: Player, edge: ModelEdge): void {
  verifyEvents(each, edge);
  verifyCommands(each, edge);
  verifyOrder(each, edge);
  verifyView(each, edge);
}

function verifyEvents({ id, runs, session }: Player, edge: ModelEdge): void {
  for (const run of runs) {
    run.forEach((event, index) => {
      const before = run[index - 1];
      if (before !== undefined) same(`${id}: the event after seq ${before.seq}`, event.seq, before.seq + 1);
      same(`${id}: the id of event ${event.seq}`, event.id, edge.session.log[event.seq - 1]?.id);
    });
  }
  const last = runs.at(-1)?.at(-1);
  if (last !== undefined) same(`${id}: the last event`, last.seq, edge.session.head);
  same(`${id}: cursor`, session.cursor.seq, edge.session.head);
}

function verifyCommands({ id, commands }: Player, edge: ModelEdge): void {
  for (const { key, name, settled, error, eventId } of commands) {
    same(`${id}: how often ${name} ${key} settled`, settled, 1);
    const effects = edge.session.effects.filter((effect) => effect === `${id} ${key}`).length;
    same(
      `${id}: how often ${name} ${key} took effect (${error?.code ?? 'accepted'})`,
      effects,
      typeof eventId === 'string' ? 1 : 0,
    );
    if (error !== undefined && (error.status < 400 || error.transient))
      throw new Error(`${id}: ${name} ${key} failed: ${error.code}`);
  }
}

/** What one client sent one after the other is in the log in that order. */
function verifyOrder({ id, commands }: Player, edge: ModelEdge): void {
  const sent = commands.filter(({ eventId }) => typeof eventId === 'string').map(({ key }) => `${id} ${key}`);
  same(
    `${id}: order of its commands`,
    edge.session.effects.filter((effect) => effect.startsWith(`${id} ${id}-key`)),
    sent,
  );
}

function verifyView({ id, session }: Player, edge: ModelEdge): void {
  const { messages, session: shown, readSeq, members } = session.getSnapshot();
  const actor = { id, kind: 'user' as const };
  const expected = edge.session.messages(actor);
  const stuck = messages.filter(({ state }) => state === 'pending').map((message) => message.id);
  same(`${id}: pending messages`, stuck, []);
  const settled = messages.filter(({ state }) => state === 'sent');
  sameMessages(`${id}: messages`, settled, expected.slice(expected.length - settled.length));
  if (settled.length === 0 && expected.length > 0) throw new Error(`${id} sees no messages`);
  for (const parentId of new Set(expected.map((message) => message.parentId ?? ''))) {
    const replies = expected.filter((message) => message.parentId === parentId);
    const thread = session.thread(parentId);
    sameMessages(`${id}: thread of ${parentId}`, thread, replies.slice(replies.length - thread.length));
  }
  same(`${id}: session`, shown, edge.session.query(actor, '', new URLSearchParams()).body);
  same(
    `${id}: members`,
    [...members].sort(byUser),
    (edge.session.query(actor, '/members', new URLSearchParams()).body as { items: typeof members }).items.toSorted(byUser),
  );
  same(`${id}: read pointer`, readSeq, edge.session.state.member(id)?.readSeq);
}

function sameMessages(what: string, shown: readonly ClientMessage[], expected: readonly MessageAnswer[]): void {
  same(what, shown.map(plain), expected.map(plain));
}

function byUser(a: { user: { id: string } }, b: { user: { id: string } }): number {
  return a.user.id < b.user.id ? -1 : 1;
}

/** The order of reactions, and of who reacted, is that in which they came to whoever shows them. */
function plain(message: MessageAnswer & Partial<Pick<ClientMessage, 'state' | 'error' | 'commandId'>>): unknown {
  const { state: _state, error: _error, commandId: _commandId, reactions, ...rest } = message;
  const each = reactions.map((reaction) => ({ ...reaction, userIds: reaction.userIds.toSorted() }));
  return { ...rest, reactions: each.toSorted((a, b) => (a.emoji < b.emoji ? -1 : 1)) };
}

function same(what: string, actual: unknown, expected: unknown): void {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(sorted(value), undefined, 1));
  if (a !== b) throw new Error(`${what}\nis ${a}\nnot ${b}`);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
