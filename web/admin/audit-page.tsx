import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import type { SessionAudit } from '../../client/admin/index.ts';
import { usePoll } from '../../client/react/admin.ts';
import { Notice } from '../ui/notice.tsx';
import { Fresh } from './fresh.tsx';
import { countOf } from './format.ts';
import { StatusPill } from './status-pill.tsx';

/** an audit reads a whole session in every tier: seldom, and by hand when somebody cannot wait */
const EVERY_MS = 60_000;

/** What each tier holds of one session, compared. */
export function AuditPage({ sessionId }: { sessionId: string | undefined }) {
  const [, navigate] = useLocation();
  const [text, setText] = useState(sessionId ?? '');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (text.trim() !== '') navigate(`/admin/audit/${encodeURIComponent(text.trim())}`);
  };
  return (
    <div className="admin-page">
      <h1>Audit of a session</h1>
      <form className="audit-form" onSubmit={submit}>
        <label htmlFor="session">Session</label>
        <input
          id="session"
          className="input"
          value={text}
          onChange={({ target }) => setText(target.value)}
          placeholder="its id"
          spellCheck={false}
          autoComplete="off"
        />
        <button className="button" data-kind="primary">
          Compare
        </button>
      </form>
      {sessionId !== undefined && <Audit key={sessionId} sessionId={sessionId} />}
    </div>
  );
}

function Audit({ sessionId }: { sessionId: string }) {
  const polled = usePoll(`audit ${sessionId}`, EVERY_MS, async (operator, signal) => await operator.audit(sessionId, signal));
  const { value: audit, error, isLoading, refresh } = polled;
  if (audit === undefined) return error === undefined ? <Notice title="Comparing…" busy /> : <Fresh polled={polled} />;
  return (
    <>
      <Fresh polled={polled} />
      <Verdict audit={audit} />
      <button type="button" className="button" disabled={isLoading} onClick={refresh}>
        Compare again
      </button>
      <Facts audit={audit} />
      <Findings audit={audit} />
    </>
  );
}

function Verdict({ audit }: { audit: SessionAudit }) {
  const { epoch, isComplete, found, behind, counts } = audit;
  const wrong = found.missing + found.different + found.extra + found.lost;
  if (epoch === undefined) return <p className="verdict">The edge knows no such session.</p>;
  if (!isComplete)
    return <p className="verdict">It is too large to be compared here: npm run audit -- --session {audit.sessionId} does.</p>;
  return (
    <p className="verdict" role="status">
      <StatusPill health={wrong > 0 ? 'down' : behind.length > 0 ? 'late' : 'up'} words={wrong > 0 ? 'different' : 'the same'} />{' '}
      {wrong > 0 ? `${wrong} findings.` : 'Edge, stream, archive and read models hold the same.'}
      {counts.pending > 0 && ` ${countOf(counts.pending)} events are on their way.`}
      {behind.length > 0 && ` Not compared, for they have not come to its newest event: ${behind.join(', ')}.`}
    </p>
  );
}

function Facts({ audit: { head, persisted, counts, found, deadLetters } }: { audit: SessionAudit }) {
  const facts: [string, number][] = [
    ['Newest seq', head],
    ['Persisted up to', persisted],
    ['Events compared', counts.events],
    ['On their way', counts.pending],
    ['Beyond comparing', counts.unverifiable],
    ['Missing', found.missing],
    ['Different', found.different],
    ['Extra', found.extra],
    ['Lost', found.lost],
    ['Dead letters', deadLetters.length],
  ];
  return (
    <dl className="facts card">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{countOf(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Findings({ audit: { findings, isCut } }: { audit: SessionAudit }) {
  if (findings.length === 0) return null;
  return (
    <div className="table-scroll card" tabIndex={0} role="region" aria-label="Findings">
      <table>
        <thead>
          <tr>
            <th scope="col">Where</th>
            <th scope="col">What</th>
            <th scope="col">Place</th>
            <th scope="col">Detail</th>
          </tr>
        </thead>
        <tbody>
          {findings.map(({ tier, kind, place, detail }) => (
            <tr key={`${tier} ${kind} ${place}`}>
              <td>{tier}</td>
              <td>{kind}</td>
              <td>{place}</td>
              <td>{detail}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {isCut === true && <p className="soft">There may be more.</p>}
    </div>
  );
}
