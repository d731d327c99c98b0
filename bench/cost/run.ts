import { startServer } from '../processes.ts';
import { CountedSession, type CountedSystem } from './counted-session.ts';
import { costTable } from './report.ts';
import { EXAMPLE, monthOf } from './month.ts';
import { usageBetween, type Usage } from './usage.ts';

/** members of the sessions that are counted: what others' inboxes cost grows with them */
export const COST_MEMBERS = 3;
const LONE_MESSAGES = 8;
const BURST_MESSAGES = 500;
const CHUNKS = 200;
/** 25 chunks a second, as a fast model writes */
const CHUNK_EVERY_MS = 40;
const IDLE_SOCKETS = 10;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** of an idle hour so much is looked at: at its end the tokens of the sockets expire */
const IDLE_MS = 45 * MINUTE_MS;
/** after it nothing is left to do for what was sent before */
const AFTERMATH_MS = 3 * MINUTE_MS;

/** What is counted, by the name under which docs/cost.md speaks of it. */
export type Kind =
  | 'lone message'
  | 'message of a burst'
  | 'reaction'
  | 'chunk'
  | 'connection'
  | 'idle hour'
  | 'idle hour with sockets';

export interface Step {
  kind: Kind;
  usage: Usage;
}

/** Counts what the edge does for each kind of work, on a system of its own, and prints the table. */
export async function runCost(): Promise<Step[]> {
  console.log('\ncost: starting Millrace with an edge that counts …');
  const server = await startServer('servers/millrace.ts', ['--counted']);
  try {
    const { url, jwtSecret = '' } = server.announcement;
    const steps: Step[] = [];
    for (const [kind, count] of COUNTED) {
      console.log(`  cost: ${kind} …`);
      steps.push({ kind, usage: await inSession({ url, jwtSecret }, count) });
    }
    console.log(`\n${costTable(steps)}`);
    const { total } = monthOf(EXAMPLE, Object.fromEntries(steps.map(({ kind, usage }) => [kind, usage])) as Record<Kind, Usage>);
    console.log(`\nThe month of docs/cost.md with these counts: $${total.toFixed(2)}`);
    return steps;
  } finally {
    await server.stop();
  }
}

const COUNTED: readonly (readonly [kind: Kind, count: (session: CountedSession) => Promise<Usage>])[] = [
  ['lone message', loneMessages],
  ['message of a burst', burst],
  ['reaction', reactions],
  ['chunk', chunks],
  ['connection', connections],
  ['idle hour', (session) => idle(session, 0)],
  ['idle hour with sockets', (session) => idle(session, IDLE_SOCKETS)],
];

async function inSession(system: CountedSystem, count: (session: CountedSession) => Promise<Usage>): Promise<Usage> {
  const session = new CountedSession(system);
  try {
    await session.create(COST_MEMBERS);
    await rest(session, 1);
    const usage = await count(session);
    // who left is told to the others a minute later: that belongs to nothing that is counted next
    session.disconnect();
    await rest(session, 1);
    return usage;
  } finally {
    session.close();
  }
}

/** Waits until so many receipts were taken and all is quiet, and lets the alarms ring that are due soon. */
async function rest(session: CountedSession, receipts: number): Promise<void> {
  await session.settled(receipts);
  await session.pass(AFTERMATH_MS);
}

async function loneMessages(session: CountedSession): Promise<Usage> {
  const before = await session.counts();
  for (let sent = 0; sent < LONE_MESSAGES; sent += 1) await alone(session, () => session.send());
  return usageBetween(before, await session.counts(), LONE_MESSAGES);
}

async function reactions(session: CountedSession): Promise<Usage> {
  const ids: string[] = [];
  for (let sent = 0; sent < LONE_MESSAGES; sent += 1) ids.push(await session.send());
  await rest(session, 1);
  const before = await session.counts();
  for (const id of ids) await alone(session, () => session.react(id));
  return usageBetween(before, await session.counts(), LONE_MESSAGES);
}

/** Does it, and waits for its receipt and for what comes after. */
async function alone(session: CountedSession, work: () => Promise<unknown>): Promise<void> {
  const receipts = (await session.counts())['Session.calls.takeReceipt'] ?? 0;
  await work();
  await session.settled(receipts + 1);
  await session.pass(AFTERMATH_MS);
}

async function burst(session: CountedSession): Promise<Usage> {
  const connection = await session.connect(0);
  await session.settled(0);
  const before = await session.counts();
  const commands = Array.from({ length: BURST_MESSAGES }, (_, at) => ({
    command: 'message.send',
    data: { text: `message ${at}` },
  }));
  await session.commands(connection, commands, 0);
  await session.settled((before['Session.calls.takeReceipt'] ?? 0) + 1);
  return usageBetween(before, await session.counts(), BURST_MESSAGES);
}

/** From the first chunk to the last, without the start and the end of the stream: a message is what those cost. */
async function chunks(session: CountedSession): Promise<Usage> {
  const connection = await session.connect(0);
  await session.commands(connection, [{ command: 'stream.start', data: { messageId: 'streamed' } }], 0);
  await session.settled(0);
  const before = await session.counts();
  const commands = Array.from({ length: CHUNKS }, (_, index) => ({
    command: 'stream.append',
    data: { messageId: 'streamed', index, text: `word ${index} ` },
  }));
  await session.commands(connection, commands, CHUNK_EVERY_MS);
  await session.settled(0);
  return usageBetween(before, await session.counts(), CHUNKS);
}

async function connections(session: CountedSession): Promise<Usage> {
  const before = await session.counts();
  for (let opened = 0; opened < IDLE_SOCKETS; opened += 1) await session.connect(opened % COST_MEMBERS);
  await session.settled(0);
  return usageBetween(before, await session.counts(), IDLE_SOCKETS);
}

async function idle(session: CountedSession, sockets: number): Promise<Usage> {
  for (let opened = 0; opened < sockets; opened += 1) await session.connect(opened % COST_MEMBERS);
  await session.settled(0);
  await session.pass(AFTERMATH_MS);
  const before = await session.counts();
  await session.pass(IDLE_MS);
  return usageBetween(before, await session.counts(), IDLE_MS / HOUR_MS);
}
