import { HttpClient } from '../load/http-client.ts';
import { tokenOf, userId } from '../load/token.ts';
import { treesCpuMs } from '../cpu.ts';
import type { RunningServer } from '../processes.ts';

/** What each side uses of the processor for the same commands at the same time: whatever else the machine does is there for both. */

const USER = userId(0);
const CONNECTIONS = 16;

export interface Shares {
  /** CPU milliseconds per command, of all processes and of the edge's, by rounds */
  all: number[];
  edge: number[];
}

interface Side {
  server: RunningServer;
  client: HttpClient;
  token: string;
  shares: Shares;
}

/** Sends `perS` commands a second to each server for `rounds` times `roundMs`, after one round that is not counted. */
export async function shareOf(
  servers: readonly RunningServer[],
  { perS, roundMs, rounds }: { perS: number; roundMs: number; rounds: number },
): Promise<Shares[]> {
  const sides = await Promise.all(servers.map(async (server): Promise<Side> => await prepare(server)));
  try {
    for (let round = -1; round < rounds; round += 1) {
      const before = sides.map(cpuOf);
      const sent = await sendFor(sides, perS, roundMs);
      for (const [at, side] of sides.entries()) {
        const [all, edge] = cpuOf(side);
        if (round < 0) continue;
        side.shares.all.push((all - (before[at]?.[0] ?? 0)) / sent);
        side.shares.edge.push((edge - (before[at]?.[1] ?? 0)) / sent);
      }
    }
    return sides.map(({ shares }) => shares);
  } finally {
    for (const { client } of sides) client.close();
  }
}

async function prepare(server: RunningServer): Promise<Side> {
  const { url, jwtSecret = '' } = server.announcement;
  const client = new HttpClient(url, CONNECTIONS);
  const token = await tokenOf(USER, jwtSecret);
  const made = await client.post('/v1/sessions', token, { id: 'side-by-side', title: 'Side by side' });
  if (made.status !== 202) throw new Error(`the session is not made: ${made.status} ${made.body}`);
  return { server, client, token, shares: { all: [], edge: [] } };
}

function cpuOf({ server }: Side): readonly [all: number, edge: number] {
  const { all, edge } = server.announcement.pids;
  return treesCpuMs([all, edge]);
}

/** On a schedule, to both at once. Returns how many each was sent; rejects when one was not accepted. */
async function sendFor(sides: readonly Side[], perS: number, ms: number): Promise<number> {
  const commands = Math.round((perS * ms) / 1_000);
  const startedAt = performance.now();
  const answers: Promise<void>[] = [];
  for (let index = 0; index < commands; index += 1) {
    const dueInMs = startedAt + (index * 1_000) / perS - performance.now();
    if (dueInMs > 0) await new Promise((wake) => setTimeout(wake, dueInMs));
    for (const side of sides) answers.push(send(side, `message ${index}`));
  }
  await Promise.all(answers);
  return commands;
}

async function send({ client, token }: Side, text: string): Promise<void> {
  const { status, body } = await client.post('/v1/sessions/side-by-side/messages', token, { text });
  if (status !== 202) throw new Error(`a message was not accepted: ${status} ${body}`);
}
