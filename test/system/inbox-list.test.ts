import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { machineCpuMs, treesCpuMs } from '../../bench/cpu.ts';
import { SESSIONS_PAGE_DEFAULT } from '../../shared/core/limits.ts';
import { until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { readInbox } from './inbox-device.ts';

const SESSIONS = 10_000;
const P95_MS_MAX = 50;
const LOOKS = 60;
/** a look waits for nothing but processors: what it costs them all is what it takes at worst on a machine of its own */
const CPU_MS_MAX = P95_MS_MAX / 2;
/** a round during which others used more of the machine than this says nothing about us */
const OTHERS_SHARE_MAX = 0.2;
const ROUNDS_MAX = 12;

let stack: Stack;
let bob: User;

/** Sessions that Bob's inbox knows of and nobody looks at, older than any that is really made: written while the edge is away. */
function knowMore(dataDir: string, count: number): void {
  const files = readdirSync(join(dataDir, 'edge'), { recursive: true, encoding: 'utf8' });
  const inboxes = files.filter((name) => /Inbox.*[0-9a-f]{64}\.sqlite$/.test(name));
  expect(inboxes).toHaveLength(1);
  const database = new DatabaseSync(join(dataDir, 'edge', inboxes[0] ?? ''));
  const insert = database.prepare(
    `INSERT INTO entries (session_id, rev, head, head_ordinal, activity, role, read_ordinal, mentions) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const { rev } = database.prepare(`SELECT max(rev) AS rev FROM entries`).get() as { rev: number };
  database.exec('BEGIN');
  for (let at = 1; at <= count; at += 1) {
    insert.run(`other-${at}`, rev + at, at + 1, at, 1_000 + at, 'member', at - (at % 7), at % 7 === 0 ? '[]' : `[${at}]`);
  }
  database.exec('COMMIT');
  database.close();
}

function isQuiet({ othersShare }: Round): boolean {
  return othersShare <= OTHERS_SHARE_MAX;
}

interface Round {
  p50Ms: number;
  p95Ms: number;
  /** of the edge, per look */
  cpuMs: number;
  /** of the machine's processors, used by others meanwhile */
  othersShare: number;
}

async function round(): Promise<Round> {
  const edge = stack.pids()['workerd'] ?? 0;
  const startedMs = performance.now();
  const [edgeBefore, oursBefore] = treesCpuMs([[edge], [process.pid]]);
  const machineBefore = machineCpuMs();
  const tookMs: number[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    const lookedMs = performance.now();
    const { body } = await bob.get('/v1/sessions');
    tookMs.push(performance.now() - lookedMs);
    expect(body).toMatchObject({ items: { length: SESSIONS_PAGE_DEFAULT } });
  }
  const [edgeAfter, oursAfter] = treesCpuMs([[edge], [process.pid]]);
  const others = machineCpuMs() - machineBefore - (oursAfter - oursBefore);
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => tookMs[Math.floor(LOOKS * share)] ?? 0;
  return {
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    cpuMs: (edgeAfter - edgeBefore) / LOOKS,
    othersShare: others / (availableParallelism() * (performance.now() - startedMs)),
  };
}

requireOrSkip('nats-server', natsServerMissing())('the list of a user in many sessions', () => {
  beforeAll(async () => {
    stack = await startStack({ parts: ['nats', 'edge'] });
    bob = new User(stack.url, await stack.token('bob'));
  });
  afterAll(async () => {
    await bob?.close();
    await stack?.stop();
  });

  test(`p95 of the first page is at most ${P95_MS_MAX} ms in ${SESSIONS} sessions`, { timeout: 300_000 }, async () => {
    for (let at = 0; at < SESSIONS_PAGE_DEFAULT; at += 1) {
      await bob.create({ id: `s${at}`, title: `Session ${at}` });
      await bob.send(`s${at}`, 'the last word '.repeat(20));
    }
    await until('all are known', async () => (await readInbox(bob)).items.length === SESSIONS_PAGE_DEFAULT);
    await stack.stop('edge');
    knowMore(stack.dataDir, SESSIONS - SESSIONS_PAGE_DEFAULT);
    await stack.start('edge');
    await round();
    const rounds: Round[] = [];
    while (rounds.length < ROUNDS_MAX && !rounds.some(isQuiet)) rounds.push(await round());
    const quiet = rounds.find(isQuiet);
    const shown = quiet ?? rounds.at(-1);
    if (shown === undefined) throw new Error('there was no round');
    const { p50Ms, p95Ms, cpuMs, othersShare } = shown;
    console.log(
      `first page of ${SESSIONS} sessions: p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms, ${cpuMs.toFixed(1)} ms of CPU each; ` +
        `others used ${Math.round(othersShare * 100)} % of the machine${quiet === undefined ? ': too much to judge the times' : ''}`,
    );
    expect(Math.min(...rounds.map((each) => each.cpuMs))).toBeLessThanOrEqual(CPU_MS_MAX);
    if (quiet !== undefined) expect(quiet.p95Ms).toBeLessThanOrEqual(P95_MS_MAX);
  });
});
