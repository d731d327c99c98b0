import { lazy, Suspense } from 'react';
import { ErrorBoundary } from '../shell/error-boundary.tsx';
import { Notice } from '../ui/notice.tsx';
import { Sidebar } from './sidebar.tsx';
import { SessionPage } from './session-page.tsx';

const TracesPage = lazy(async () => ({ default: (await import('../traces/traces-page.tsx')).TracesPage }));

interface ChatPageProps {
  sessionId?: string | undefined;
  /** what is open beside the messages: thread, members, search; or traces in their place */
  view?: string | undefined;
  id?: string | undefined;
}

export function ChatPage({ sessionId, view, id }: ChatPageProps) {
  return (
    <div className="shell" data-open={sessionId === undefined ? 'list' : 'main'}>
      <Sidebar current={sessionId} />
      <main className="main">
        <ErrorBoundary key={`${sessionId}/${view === 'traces' ? 'traces' : ''}`}>
          {sessionId === undefined ? (
            <Notice title="Pick a conversation">
              <p>Or start a new one: it takes a title, and nothing else.</p>
            </Notice>
          ) : view === 'traces' ? (
            <Suspense fallback={<Notice title="Loading…" busy />}>
              <TracesPage sessionId={sessionId} traceId={id} />
            </Suspense>
          ) : (
            <SessionPage sessionId={sessionId} view={view} id={id} />
          )}
        </ErrorBoundary>
      </main>
    </div>
  );
}
