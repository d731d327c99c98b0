import { startServer } from '../processes.ts';
import { spread, type Spread } from '../stats.ts';
import { atMost, type Verdict } from '../targets.ts';
import { textTable } from '../text-table.ts';
import { SizedSession, type System } from './sized-session.ts';

/** issue 10: the cost of an operation goes neither by how many are in the session, nor by how many sessions there are */
const OF_FEW_MAX = 1.2;
const FEW_MEMBERS = 10;
const MANY_MEMBERS = 100_000;
const MANY_MEMBERS_QUICK = 20_000;
const SESSIONS = 1_000;
const SESSIONS_LONG = 10_000;
const CREATING_AT_ONCE_MAX = 16;
const SAMPLES = 300;
const WARMUP_SAMPLES = 30;

interface Compared {
  what: string;
  few: Spread;
  many: Spread;
  ratio: number;
}

/** A command, a page and a resume in a session of many members beside one of few; then a command among many sessions. */
export async function runCrowds(options: { quick: boolean }): Promise<{ raw: Compared[]; verdicts: Verdict[] }> {
  const members = options.quick ? MANY_MEMBERS_QUICK : MANY_MEMBERS;
  const sessions = options.quick ? SESSIONS : SESSIONS_LONG;
  console.log(`\ncrowds: starting Millrace, and putting ${members.toLocaleString('en-US')} members into a session …`);
  const server = await startServer('servers/millrace.ts', ['--edge-only']);
  const { url, jwtSecret = '' } = server.announcement;
  const system: System = { url, jwtSecret };
  const few = new SizedSession(system, 'members-few');
  const many = new SizedSession(system, 'members-many');
  try {
    await few.people(FEW_MEMBERS);
    await many.people(members);
    const compared = [
      await byTurns('a command', few, many, (session) => session.command()),
      await byTurns('the newest page', few, many, (session) => session.newest()),
      await byTurns('a resume after 10 events', few, many, (session) => session.resume()),
    ];
    const alone = await commands(few);
    console.log(`  crowds: making ${sessions.toLocaleString('en-US')} sessions …`);
    await fill(system, sessions);
    const among = await commands(few);
    const label = `a command, with ${sessions.toLocaleString('en-US')} sessions more`;
    compared.push({ what: label, few: alone, many: among, ratio: among.p50 / alone.p50 });
    const rows = compared.map(({ what, few: small, many: large, ratio }) => [
      what,
      small.p50.toFixed(2),
      large.p50.toFixed(2),
      `×${ratio.toFixed(2)}`,
    ]);
    const head = [`${members.toLocaleString('en-US')} members beside ${FEW_MEMBERS}: p50 ms`, 'few', 'many', 'ratio'];
    console.log(`\n${textTable([head, ...rows])}\n\n${SAMPLES} samples of each, members by turns; the edge alone.`);
    return { raw: compared, verdicts: verdictsOf(compared, members) };
  } finally {
    few.close();
    many.close();
    await server.stop();
  }
}

function verdictsOf(compared: readonly Compared[], members: number): Verdict[] {
  const unit = `× ${FEW_MEMBERS} members or a session alone`;
  return compared.flatMap(({ what, ratio }) =>
    atMost(what.includes('sessions') ? what : `${what}, ${members.toLocaleString('en-US')} members`, ratio, OF_FEW_MAX, unit),
  );
}

async function byTurns(
  what: string,
  few: SizedSession,
  many: SizedSession,
  operation: (session: SizedSession) => Promise<void>,
): Promise<Compared> {
  const times = { few: [] as number[], many: [] as number[] };
  for (let at = -WARMUP_SAMPLES; at < SAMPLES; at += 1) {
    for (const [name, session] of at % 2 === 0
      ? ([
          ['few', few],
          ['many', many],
        ] as const)
      : ([
          ['many', many],
          ['few', few],
        ] as const)) {
      const startedAt = performance.now();
      await operation(session);
      if (at >= 0) times[name].push(performance.now() - startedAt);
    }
  }
  const [small, large] = [spread(times.few), spread(times.many)];
  return { what, few: small, many: large, ratio: large.p50 / small.p50 };
}

async function commands(session: SizedSession): Promise<Spread> {
  const times: number[] = [];
  for (let at = -WARMUP_SAMPLES; at < SAMPLES; at += 1) {
    const startedAt = performance.now();
    await session.command();
    if (at >= 0) times.push(performance.now() - startedAt);
  }
  return spread(times);
}

async function fill(system: System, sessions: number): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < sessions) {
      const session = new SizedSession(system, `one-of-many-${next++}`);
      await session.people(1);
      session.close();
    }
  };
  await Promise.all(Array.from({ length: CREATING_AT_ONCE_MAX }, lane));
}
