import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../load/connection.ts';
import type { Dialect } from '../load/dialect.ts';
import { millraceDialect } from '../load/dialect-millrace.ts';
import { socketIoDialect } from '../load/dialect-socket-io.ts';
import { ensurePeers } from '../peers.ts';
import { startServer, type RunningServer } from '../processes.ts';
import { atMost, type Verdict } from '../targets.ts';
import { textTable } from '../text-table.ts';

/** Memory of an idle socket: what the server's processes hold more of than before, over all sockets. */
const SOCKETS = 2_000;
/** sessions that they are spread over: an object sleeps as a whole */
const SESSIONS = 20;
const CONNECTING_AT_ONCE_MAX = 16;
/** workerd puts an object to sleep after ten seconds without work */
const ASLEEP_MS = 16_000;
const SETTLED_MS = 2_000;
const KIB = 1_024;

interface Held {
  name: string;
  /** bytes for each socket */
  awake: number;
  asleep?: number;
}

/** All of Millrace runs: without NATS a Session would not sleep, but try to publish. */
export async function runMemory(): Promise<{ raw: Held[]; verdicts: Verdict[] }> {
  const peers = await ensurePeers();
  console.log('\nmemory: starting the servers …');
  const held: Held[] = [];
  const millrace = await startServer('servers/millrace.ts', []);
  const { url, jwtSecret = '' } = millrace.announcement;
  const ours = (room: string): Dialect => millraceDialect({ url, room, senders: 1, jwtSecret });
  held.push(await measure('Millrace', millrace, ours, ASLEEP_MS));
  const socketIo = await startServer('servers/socket-io.ts', [peers.folder]);
  held.push(await measure('Socket.IO', socketIo, (room) => socketIoDialect(socketIo.announcement.url, room), undefined));
  const kib = (bytes: number | undefined): string => (bytes === undefined ? '–' : (bytes / KIB).toFixed(1));
  const rows = held.map(({ name, awake, asleep }) => [name, kib(awake), kib(asleep)]);
  console.log(`\n${textTable([[`${SOCKETS} idle sockets`, 'KiB each', 'asleep'], ...rows])}

Resident memory of the server's processes with the sockets, less that before them; in ${SESSIONS} sessions or rooms. Asleep: ${ASLEEP_MS / 1_000} s later. What
V8 has not yet collected counts, as it does on a server.`);
  const [mine, theirs] = held;
  const ratio = mine?.asleep === undefined || theirs === undefined ? undefined : mine.asleep / theirs.awake;
  return { raw: held, verdicts: atMost('memory of a hibernated socket', ratio, 1, '× an idle one of Socket.IO') };
}

async function measure(
  name: string,
  server: RunningServer,
  dialectOf: (room: string) => Dialect,
  asleepMs: number | undefined,
): Promise<Held> {
  const sockets: Connection[] = [];
  const dialects: Dialect[] = [];
  try {
    // a first room pays for compilation
    await fill(dialectOf('memory-warmup'), 50, sockets, dialects);
    await sleep(SETTLED_MS);
    const before = residentBytes(server.announcement.pids.edge);
    for (let session = 0; session < SESSIONS; session += 1) {
      await fill(dialectOf(`memory-${session}`), SOCKETS / SESSIONS, sockets, dialects);
    }
    await sleep(SETTLED_MS);
    const awake = (residentBytes(server.announcement.pids.edge) - before) / SOCKETS;
    if (asleepMs === undefined) return { name, awake };
    await sleep(asleepMs);
    return { name, awake, asleep: (residentBytes(server.announcement.pids.edge) - before) / SOCKETS };
  } finally {
    for (const each of sockets) each.close();
    for (const each of dialects) each.close?.();
    await server.stop();
  }
}

async function fill(dialect: Dialect, count: number, sockets: Connection[], dialects: Dialect[]): Promise<void> {
  dialects.push(dialect);
  await dialect.prepare();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const connection = new Connection();
      const ready = Promise.withResolvers<void>();
      connection.onText = (payload) => {
        if (dialect.control(connection, payload)?.ready === true) ready.resolve();
      };
      connection.onFailure = ready.reject;
      await connection.open(await dialect.endpoint(next++));
      await ready.promise;
      connection.onFailure = () => {};
      sockets.push(connection);
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE_MAX }, lane));
}

/** Of the processes of these trees, from /proc: where there is none the measure says so. */
function residentBytes(roots: readonly number[]): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = statusOf(Number(name));
    const parent = /^PPid:\s+(\d+)/m.exec(status)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const isBelow = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) if (roots.includes(at)) return true;
    return false;
  };
  return [...parents.keys()].filter(isBelow).reduce((sum, pid) => {
    return sum + Number(/^VmRSS:\s+(\d+) kB/m.exec(statusOf(pid))?.[1] ?? 0) * KIB;
  }, 0);
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // it ended between the listing and the reading
    return '';
  }
}
