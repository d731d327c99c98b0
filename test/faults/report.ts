import { AFTER_202_MS_MAX, type EdgeKillReport } from './edge-kill.ts';
import { FAULTS, type Verdict } from './judge.ts';
import type { NatsLeaderReport } from './nats-leader.ts';
import { describeLatency, type StoreStopReport } from './store-stop.ts';
import type { StormReport } from './storm.ts';

/** What a person wants to know of a run, line by line; the last one says whether it was clean. */

export function stormLines({
  verdict,
  sudden,
  faults,
  skipped,
  uncompared,
  ledgerLines,
  persistedS,
  tookS,
}: StormReport): string[] {
  const done = Object.entries(faults).map(([name, count]) => `${name} ${count}`);
  return [
    `${sudden} kills and cuts; done: ${done.join(', ')}`,
    ...Object.entries(skipped).map(([kind, why]) => `skipped: ${kind}: ${why}`),
    ...uncompared.map((name) => `not compared: ${name}`),
    `${ledgerLines} lines of ledger; ${persistedS} s until all was persisted; ${tookS} s in all`,
    ...verdictLines(verdict),
  ];
}

export function edgeKillLines({ verdict, kills, allKills, checked, missing, afterMs, tookS }: EdgeKillReport): string[] {
  const at = (share: number): string => (afterMs[Math.floor((afterMs.length - 1) * share)] ?? 0).toFixed(1);
  return [
    `${kills} kills of workerd within ${AFTER_202_MS_MAX} ms after a 202 (${allKills} in all): after ${at(0)} to ${at(1)} ms, half of them by ${at(0.5)} ms`,
    `${checked} commands looked for after the kill that followed them: ${missing.length} missing`,
    ...missing.map((each) => `  ${each}`),
    `${tookS} s in all`,
    ...verdictLines(verdict),
  ];
}

export function storeStopLines({ verdict, before, during, acceptedDuring, drainS, tookS }: StoreStopReport): string[] {
  return [
    `202s before: ${describeLatency(before.answers)}`,
    `202s while Cassandra stood still: ${describeLatency(during.answers)}`,
    `own reads before: ${describeLatency(before.ownReads)}`,
    `own reads while it stood still: ${describeLatency(during.ownReads)}`,
    `${acceptedDuring} commands were accepted meanwhile, and all was persisted ${drainS} s after it went on; ${tookS} s in all`,
    ...verdictLines(verdict),
  ];
}

export function natsLeaderLines({ verdict, withoutLeaderMs, persistedS, tookS }: NatsLeaderReport): string[] {
  return [
    `${withoutLeaderMs.length} leaders killed; another led after ${withoutLeaderMs.join(', ')} ms`,
    `${persistedS} s until all was persisted; ${tookS} s in all`,
    ...verdictLines(verdict),
  ];
}

export function verdictLines(verdict: Verdict): string[] {
  const { commands, attempts, unknown, settledByRetry, replayed, later, events, resumes, announcedGaps, ownReads } = verdict;
  const compared = Object.entries(verdict.readModels).map(([name, rows]) => `${name} ${rows}`);
  return [
    `${commands} commands in ${attempts} tries: ${unknown} without an answer (${settledByRetry} commands, settled by retry with their keys; ${replayed} replayed), ${later} told to come later`,
    `${events} events, ${verdict.framesEvents} in frames; ${resumes} resumes, ${announcedGaps} gaps announced; ${ownReads} own reads; ${verdict.letters} dead letters`,
    ...(compared.length > 0 ? [`rows compared in read models: ${compared.join(', ')}`] : []),
    ...verdict.findings.map((finding) => `  ${finding}`),
    FAULTS.map((fault) => `${fault} ${verdict.counts[fault]}`).join(', '),
  ];
}
