import type { RebuildProgress } from '../../client/admin/index.ts';
import { countOf, percentOf } from './format.ts';

const PHASES: Readonly<Record<RebuildProgress['phase'], string>> = {
  starting: 'starting',
  letters: 'reading dead letters',
  archive: 'reading the archive',
  stream: 'reading the stream',
  swap: 'changing over',
  clear: 'clearing up',
};

/** How far a rebuild is; one that ended says how. */
export function Progress({ rebuild }: { rebuild: RebuildProgress }) {
  const { status, phase, done, events, detail, name } = rebuild;
  if (status !== 'running')
    return (
      <p className="rebuild" data-status={status}>
        Rebuild {status}
        {status === 'completed' ? `: ${countOf(events)} events` : detail !== undefined && `: ${detail}`}
      </p>
    );
  return (
    <div className="rebuild" data-status={status}>
      <progress aria-label={`Rebuild of ${name}`} value={done} max={1} />
      <span>
        Rebuilding: {PHASES[phase]}, {percentOf(done)}, {countOf(events)} events
      </span>
    </div>
  );
}
