import type { RebuildProgressAnswer } from '../../shared/contract/system.ts';
import type { ProcessReport } from '../pulse/report.ts';

/** Of each read model the rebuild that runs, or else the one that was begun last, whichever process knows of it. */
export function newestRebuilds(reports: readonly ProcessReport[]): RebuildProgressAnswer[] {
  const newest = new Map<string, RebuildProgressAnswer>();
  for (const rebuild of reports.flatMap(({ rebuilds }) => rebuilds)) {
    const other = newest.get(rebuild.name);
    if (other === undefined || rank(rebuild) > rank(other)) newest.set(rebuild.name, rebuild);
  }
  return [...newest.values()];
}

function rank({ status, startedAt }: RebuildProgressAnswer): string {
  return `${status === 'running' ? 1 : 0} ${startedAt}`;
}
