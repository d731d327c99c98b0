import { setTimeout as sleep } from 'node:timers/promises';
import { answers, describeReply, type HttpClient, sessionPath } from '../../scripts/replay/client.ts';
import { forEachLimited } from '../../scripts/replay/gate.ts';
import { randomFrom } from '../support/transcripts.ts';
import { startStack, type Stack, until } from '../support/stack.ts';
import type { Verdict } from './judge.ts';
import { type Accepted, digest, Ledger } from './ledger.ts';
import { Load } from './load.ts';
import type { Operation } from './operation.ts';
import { judged, seconds, settle, SETTLE_MS_MAX, unlessCalledOff } from './settle.ts';
import { NO_LIMITS } from './system.ts';

/** kill -9 of workerd a moment after a 202, again and again: each 202 must be there after each restart. */

/** from the 202 to the kill; a kill that a busy machine made later is done and not counted */
export const AFTER_202_MS_MAX = 50;
const SESSIONS = 8;
/** commands per second: enough that some are under way at every kill */
const RATE = 30;
const ACCEPTED_MS_MAX = 60_000;
const BACK_MS_MAX = 60_000;
const CHECK_WIDTH = 8;

export interface EdgeKillOptions {
  seed: number;
  kills: number;
  ledgerPath: string;
  say: (line: string) => void;
  calledOff: AbortSignal;
}

export interface EdgeKillReport {
  verdict: Verdict;
  /** of them, those within AFTER_202_MS_MAX */
  kills: number;
  allKills: number;
  /** 202s looked for after the kill that followed them */
  checked: number;
  missing: string[];
  /** between the 202 and the kill, rising */
  afterMs: number[];
  tookS: number;
}

interface Answered {
  operation: Operation;
  accepted: Accepted;
  http: HttpClient;
  atMs: number;
}

class EdgeKiller {
  readonly report: Omit<EdgeKillReport, 'verdict' | 'tookS'> = { kills: 0, allKills: 0, checked: 0, missing: [], afterMs: [] };
  readonly #stack: Stack;
  readonly #ledger: Ledger;
  readonly #random: () => number;
  /** answered since the last check */
  readonly #answered: Answered[] = [];
  #wake: (answered: Answered) => void = () => undefined;

  constructor(stack: Stack, ledger: Ledger, seed: number) {
    this.#stack = stack;
    this.#ledger = ledger;
    this.#random = randomFrom(seed);
  }

  /** A 202 has just come. */
  take(operation: Operation, accepted: Accepted, http: HttpClient): void {
    const answered = { operation, accepted, http, atMs: performance.now() };
    this.#answered.push(answered);
    this.#wake(answered);
  }

  async #next(): Promise<Answered> {
    const next = new Promise<Answered>((wake) => (this.#wake = wake));
    const answered = await Promise.race([next, sleep(ACCEPTED_MS_MAX, undefined, { ref: false })]);
    if (answered === undefined) throw new Error(`nothing was accepted within ${ACCEPTED_MS_MAX / 1_000} s`);
    return answered;
  }

  async killOnce(): Promise<void> {
    const last = await this.#next();
    const untilMs = last.atMs + this.#random() * AFTER_202_MS_MAX;
    await sleep(Math.max(0, untilMs - performance.now()));
    this.#ledger.write({ kind: 'fault', name: 'kill workerd', step: 'begins' });
    this.#stack.kill('workerd', 'SIGKILL');
    const afterMs = performance.now() - last.atMs;
    this.report.allKills += 1;
    if (afterMs <= AFTER_202_MS_MAX) {
      this.report.kills += 1;
      this.report.afterMs.push(afterMs);
    }
    await this.#restart();
    await this.#check(this.#answered.splice(0));
  }

  /** At once: how long the supervisor waits after a death is not looked at here. */
  async #restart(): Promise<void> {
    await until('the edge is gone', () => this.#stack.pids()['edge'] === undefined, BACK_MS_MAX);
    await this.#stack.stop('edge');
    await this.#stack.start('edge');
    this.#ledger.write({ kind: 'fault', name: 'kill workerd', step: 'ends' });
  }

  async #check(answered: readonly Answered[]): Promise<void> {
    await forEachLimited(answered, CHECK_WIDTH, async (each) => {
      const missing = await whatIsMissing(each);
      this.report.checked += 1;
      if (missing !== undefined) this.report.missing.push(`${each.operation.key} (seq ${each.accepted.seq}): ${missing}`);
    });
  }
}

/** The three ways in which a sender can look for what was accepted; undefined when all of them show it. */
async function whatIsMissing({ operation, accepted, http }: Answered): Promise<string | undefined> {
  const { seq, eventId, commandId, entityId } = accepted;
  if (eventId === null) return undefined;
  const path = sessionPath(operation.session);
  const log = await http.insist('GET', `${path}/events?after=${seq - 1}&limit=1`);
  const event = log.status === 200 ? answers.eventsPage.parse(log.body).items[0] : undefined;
  if (event?.seq !== seq || event.id !== eventId || event.causationid !== commandId) return `events: ${describeReply(log)}`;
  const status = await http.insist('GET', `${path}/commands/${commandId}`);
  if (status.status !== 200) return `status: ${describeReply(status)}`;
  if (!operation.command.startsWith('message.')) return undefined;
  const read = await http.insist('GET', `${path}/messages/${entityId}`);
  const message = read.status === 200 ? answers.message.parse(read.body) : undefined;
  if (message === undefined) return `own read: ${describeReply(read)}`;
  // it may have been edited or deleted since
  const isSame = operation.text === undefined || digest(message.text) === digest(operation.text);
  return isSame || message.editedAt !== undefined || message.deletedAt !== undefined ? undefined : 'own read: another text';
}

export async function edgeKill({ seed, kills, ledgerPath, say, calledOff }: EdgeKillOptions): Promise<EdgeKillReport> {
  const startedMs = Date.now();
  const ledger = new Ledger(ledgerPath);
  const stack = await startStack({ env: NO_LIMITS });
  const killer = new EdgeKiller(stack, ledger, seed);
  const load = new Load({
    url: stack.url,
    tokenFor: async (user) => await stack.token(user),
    ledger,
    seed,
    sessions: SESSIONS,
    usersEach: 1,
    rate: RATE,
    onAccepted: (operation, accepted, http) => killer.take(operation, accepted, http),
  });
  try {
    return await unlessCalledOff(calledOff, async () => {
      await load.open();
      say(`seed ${seed}: ${kills} kills of workerd, each up to ${AFTER_202_MS_MAX} ms after a 202; ledger ${ledgerPath}`);
      load.start();
      const { report } = killer;
      while (report.kills < kills && report.missing.length === 0 && !calledOff.aborted) {
        await killer.killOnce();
        if (report.allKills % 25 === 0) say(`${report.allKills} kills, ${report.checked} commands looked for`);
      }
      await load.end(SETTLE_MS_MAX);
      await settle(stack, load, ledger, say);
      await load.close();
      await ledger.close();
      const afterMs = report.afterMs.toSorted((a, b) => a - b);
      return { ...report, afterMs, verdict: await judged(ledgerPath), tookS: seconds(startedMs) };
    });
  } finally {
    await load.close();
    await stack.stop();
  }
}
