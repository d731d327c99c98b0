import { useEffect, useMemo, useState } from 'react';
import { Link } from 'wouter';
import { useSession, useTraces } from '../../client/react/index.ts';
import { useTitle } from '../chat/use-title.ts';
import { nameOf } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { fullTimeOf, shortTimeOf } from '../ui/times.ts';
import { TraceView } from './trace-view.tsx';
import { durationOf } from './waterfall.ts';

interface TracesPageProps {
  sessionId: string;
  traceId: string | undefined;
}

/** What agents did in a session, step by step, while they do it. */
export function TracesPage({ sessionId, traceId }: TracesPageProps) {
  const { session, status, error } = useSession(sessionId);
  const { traces, isLoaded, error: unread, load } = useTraces(sessionId);
  const [failure, setFailure] = useState<string>();
  useTitle(session === undefined ? undefined : `Traces of ${session.title}`);
  const isLive = status === 'live';
  useEffect(() => {
    if (traceId === undefined || !isLive) return;
    setFailure(undefined);
    load(traceId).catch((caught: unknown) => setFailure(caught instanceof Error ? caught.message : String(caught)));
    // `load` is made anew with every change of the traces, and is always of this session
  }, [traceId, isLive, sessionId]);
  const trace = useMemo(() => traces.find(({ id }) => id === traceId), [traces, traceId]);
  if (status === 'closed' && error !== undefined) return <Notice title="Nothing to see here">{error.message}</Notice>;
  return (
    <section className="traces" aria-label="Traces">
      <header className="session-head">
        <Link
          href={`/s/${sessionId}`}
          className="icon-button"
          aria-label="Back to the conversation"
          title="Back to the conversation"
        >
          <Icon name="back" />
        </Link>
        <div className="session-name">
          <h1>Traces</h1>
          <p>{session?.title}</p>
        </div>
      </header>
      <div className="traces-body" data-open={traceId !== undefined}>
        <TraceList sessionId={sessionId} traces={traces} current={traceId} isLoaded={isLoaded} error={unread} />
        {trace !== undefined && <TraceView key={trace.id} trace={trace} failure={failure} />}
        {trace === undefined && traceId !== undefined && (
          <Notice title={failure === undefined ? 'Loading…' : 'This trace is not here'} busy={failure === undefined}>
            {failure}
          </Notice>
        )}
      </div>
    </section>
  );
}

interface TraceListProps {
  sessionId: string;
  traces: ReturnType<typeof useTraces>['traces'];
  current: string | undefined;
  isLoaded: boolean;
  error: ReturnType<typeof useTraces>['error'];
}

function TraceList({ sessionId, traces, current, isLoaded, error }: TraceListProps) {
  if (traces.length === 0 && error !== undefined) {
    return (
      <Notice title="The traces could not be read">
        <p role="alert">{error.message}</p>
      </Notice>
    );
  }
  if (traces.length === 0) {
    return isLoaded ? (
      <Notice title="No traces yet">
        <p>Agents tell here what they do: with trace.start, and a span for each step.</p>
      </Notice>
    ) : (
      <Notice title="Loading…" busy />
    );
  }
  return (
    <ul className="trace-list" data-testid="traces">
      {traces.map(({ id, name, status, author, startedAt, durationMs, spanCount }) => (
        <li key={id}>
          <Link
            href={`/s/${sessionId}/traces/${id}`}
            className="session-link"
            aria-current={id === current ? 'page' : undefined}
            data-testid="trace"
            data-id={id}
          >
            <span className="session-title">{name}</span>
            <span className="status" data-status={status}>
              {status}
            </span>
            <span className="session-last">
              {nameOf(author)} · {spanCount} {spanCount === 1 ? 'span' : 'spans'}
              {durationMs !== undefined && ` · ${durationOf(durationMs)}`}
            </span>
            <time className="session-time" dateTime={startedAt} title={fullTimeOf(startedAt)}>
              {shortTimeOf(startedAt)}
            </time>
          </Link>
        </li>
      ))}
    </ul>
  );
}
