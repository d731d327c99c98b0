import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import type { Overview } from '../../../client/admin/index.ts';
import { usePoll } from '../../../client/react/admin.ts';
import { Notice } from '../../ui/notice.tsx';
import { Fresh } from '../fresh.tsx';
import { countOf } from '../format.ts';
import { troubles } from '../health.ts';
import { sampleOf, withSample, type Sample } from '../samples.ts';
import { StatusPill } from '../status-pill.tsx';
import { Flow } from './flow.tsx';
import { Lines } from './lines.tsx';

const EVERY_MS = 2_000;

/** The whole system at once. It goes on, and says so, while parts of it are down. */
export function OverviewPage() {
  const polled = usePoll('overview', EVERY_MS, async (operator, signal) => await operator.overview(signal));
  const { value: overview, error, refresh } = polled;
  const samples = useSamples(overview);
  if (overview === undefined) {
    return error === undefined ? <Notice title="Looking…" busy /> : <Fresh polled={polled} />;
  }
  return (
    <div className="admin-page">
      <Fresh polled={polled} />
      <Summary overview={overview} isOld={error !== undefined} />
      <Flow overview={overview} samples={samples} onChanged={refresh} />
      <Lines samples={samples} />
      <Roles overview={overview} />
    </div>
  );
}

function useSamples(overview: Overview | undefined): readonly Sample[] {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    if (overview !== undefined) setSamples((before) => withSample(before, sampleOf(overview)));
  }, [overview]);
  return samples;
}

function Summary({ overview, isOld }: { overview: Overview; isOld: boolean }) {
  const found = troubles(overview);
  const letters = overview.deadLetters.items;
  return (
    <section aria-labelledby="summary" className="summary" data-status={found.length === 0 ? 'ok' : 'degraded'}>
      <h1 id="summary">{isOld ? 'The edge does not answer' : found.length === 0 ? 'All is well' : 'This needs a look'}</h1>
      {found.length > 0 && (
        <ul>
          {found.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {letters.length > 0 && (
        <p>
          {letters.map(({ consumer, count }) => (
            <Link key={consumer} href={`/admin/dead-letters?consumer=${encodeURIComponent(consumer)}`} className="button">
              {countOf(count)} of {consumer}
            </Link>
          ))}
        </p>
      )}
    </section>
  );
}

function Roles({ overview: { roles } }: { overview: Overview }) {
  return (
    <section aria-labelledby="roles" className="card">
      <h2 id="roles">Processes</h2>
      {roles.status === 'unknown' ? (
        <p>None of them answers.</p>
      ) : (
        <ul className="role-list">
          {roles.items.map(({ name, status, workers, starting }) => (
            <li key={name}>
              <b>{name}</b> <StatusPill health={status} />{' '}
              <span>
                {workers === 1 ? '1 process' : `${workers} processes`}
                {starting > 0 && `, ${starting} starting`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
