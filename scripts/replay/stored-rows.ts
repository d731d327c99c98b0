import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { StoredRow } from './stored-check.ts';

/** What Cassandra holds, by way of a process of the consumers: the driver and the tables are theirs (walls of CONTRIBUTING.md). */

const PROGRAM = resolve(dirname(fileURLToPath(import.meta.url)), '../../consumers/stored-rows.ts');
const TENANT = 'default';
const END_MS_MAX = 10_000;

const keptPorts = z.looseObject({ port: z.int() });

const line = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ refused: z.string() }),
  z.object({ done: z.string() }),
  z.object({ failed: z.string(), why: z.string() }),
  z.object({
    table: z.enum(['events', 'messages', 'members', 'sessions']),
    bucket: z.int().optional(),
    rowKey: z.union([z.int(), z.string()]).optional(),
    cells: z.record(z.string(), z.unknown()),
  }),
]);

type Environment = Readonly<Record<string, string | undefined>>;

export interface StoredRows {
  /** Hands over every row of a session; one session after the other. Rejects when the store stays away. */
  each(sessionId: string, throughSeq: number, take: (row: StoredRow) => void): Promise<void>;
  close(): Promise<void>;
}

/** CASSANDRA_CONTACT_POINTS, else the node that `npm start -- --with cassandra` made in the data directory. */
function contactPointsFrom(environment: Environment, dataDir: string): string {
  const given = environment['CASSANDRA_CONTACT_POINTS'];
  if (given !== undefined && given !== '') return given;
  const file = join(dataDir, 'cassandra', 'ports.json');
  if (existsSync(file)) return `127.0.0.1:${keptPorts.parse(JSON.parse(readFileSync(file, 'utf8'))).port}`;
  throw new Error(
    `--verify-cassandra knows no Cassandra: start the system with npm start -- --with cassandra, or set CASSANDRA_CONTACT_POINTS`,
  );
}

/** Rejects with one line that says what to do when there is no Cassandra, or no Millrace in it. */
export async function openStoredRows(environment: Environment, dataDir: string): Promise<StoredRows> {
  const points = contactPointsFrom(environment, dataDir);
  const child = spawn(process.execPath, [PROGRAM], {
    env: { ...environment, CASSANDRA_CONTACT_POINTS: points },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // what it has to say of its end is said by its output ending
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout });
  const rows = new StoredRowsProcess(child, lines);
  const first = await rows.next();
  if ('ready' in first) return rows;
  await rows.close();
  throw new Error(
    `--verify-cassandra cannot read ${points}: ${'refused' in first ? first.refused : 'it ended'}; does the system run --with cassandra?`,
  );
}

class StoredRowsProcess implements StoredRows {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    // reads ahead by what a pipe holds, and no further
    this.#lines = lines[Symbol.asyncIterator]();
    this.#ended = once(child, 'exit');
  }

  async next(): Promise<z.infer<typeof line>> {
    const said = await this.#lines.next();
    return said.done === true ? { refused: 'the reader of Cassandra ended' } : line.parse(JSON.parse(said.value));
  }

  each(sessionId: string, throughSeq: number, take: (row: StoredRow) => void): Promise<void> {
    const mine = this.#turn.then(async () => await this.#read(sessionId, throughSeq, take));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #read(sessionId: string, throughSeq: number, take: (row: StoredRow) => void): Promise<void> {
    this.#child.stdin?.write(`${JSON.stringify({ tenant: TENANT, sessionId, throughSeq })}\n`);
    for (;;) {
      const said = await this.next();
      if ('table' in said) take(said);
      else if ('done' in said) return;
      else throw new Error('why' in said ? said.why : 'refused' in said ? said.refused : 'an answer out of turn');
    }
  }

  async close(): Promise<void> {
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS_MAX);
    this.#child.stdin?.end();
    await this.#ended;
    clearTimeout(killer);
  }
}
