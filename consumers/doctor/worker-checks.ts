import type { ProcessReport } from '../pulse/report.ts';
import { error, ok, type Finding } from './finding.ts';

/** What the processes of the consumers say of themselves. Pure. */

/** `roles`: all that somebody has to do. `nowMs`: epoch milliseconds. */
export function checkWorkers(roles: readonly string[], reports: readonly ProcessReport[], nowMs: number): Finding[] {
  const all = reports.flatMap((report) => report.roles);
  return roles.flatMap((role): Finding[] => {
    const check = `worker:${role}`;
    const workers = all.filter((each) => each.role === role);
    const starting = workers.filter(({ state }) => state === 'starting');
    const down = workers.flatMap(({ store }) => (store === undefined || store.isUp ? [] : [store]));
    if (workers.length === 0) {
      const fix = `Start the consumers with the role ${role}: node consumers/main.ts --roles ${role}`;
      return [error(check, `No process works as ${role}: nobody answered.`, fix)];
    }
    if (down.length === workers.length) {
      const forS = Math.round((nowMs - Math.min(...down.map(({ sinceMs }) => sinceMs))) / 1_000);
      const says = `No worker of ${role} could write to its store, for ${forS} s: events wait, and none is lost.`;
      return [error(check, says, `See whether the store of ${role} runs, has room, and takes its login.`)];
    }
    if (starting.length === workers.length) {
      return [
        error(
          check,
          `${role} waits for something that it needs.`,
          `The log of its process says for what ("waiting to start", role ${role}).`,
        ),
      ];
    }
    return [ok(check, `Processes that work as ${role}: ${workers.length - starting.length}.`)];
  });
}
