import { useEffect, useMemo, useRef, useState } from 'react';
import { useSearchParams } from 'wouter';
import type { MillraceError } from '../../client/index.ts';
import { usePresence, useSession, useSessions } from '../../client/react/index.ts';
import { useMe } from '../shell/signed-in.tsx';
import { Notice } from '../ui/notice.tsx';
import { Composer } from './composer.tsx';
import { ConnectionBanner } from './connection-banner.tsx';
import { MembersPanel } from './members-panel.tsx';
import { MessageList } from './message-list.tsx';
import { SearchPanel } from './search-panel.tsx';
import { SessionContext, type OpenSession } from './session-context.ts';
import { SessionHeader } from './session-header.tsx';
import { ThreadPanel } from './thread-panel.tsx';
import { TypingLine } from './typing-line.tsx';
import { useAway } from './use-away.ts';
import { useJump } from './use-jump.ts';
import { useTitle } from './use-title.ts';

interface SessionPageProps {
  sessionId: string;
  view: string | undefined;
  id: string | undefined;
}

/** A conversation. One that is closed to who asks is asked for again when there is a reason to. */
export function SessionPage(props: SessionPageProps) {
  const [attempt, setAttempt] = useState(0);
  return <Opened key={attempt} {...props} onRetry={() => setAttempt(attempt + 1)} />;
}

function Opened({ sessionId, view, id, onRetry }: SessionPageProps & { onRetry: () => void }) {
  const { session, status, error, handle, members, me } = useSession(sessionId);
  const presence = usePresence(sessionId);
  const { user } = useMe();
  const open = useMemo<OpenSession>(
    () => ({
      id: sessionId,
      handle,
      session,
      me: me?.id ?? user.id,
      members,
      presence,
      canWrite: (session?.role === 'owner' || session?.role === 'member') && session.status === 'active',
      isOwner: session?.role === 'owner',
      isLive: status === 'live',
    }),
    [sessionId, handle, session, me, user, members, presence, status],
  );
  useTitle(session?.title);
  useAway(handle, status === 'live');
  if (status === 'closed' && error !== undefined) return <Closed sessionId={sessionId} error={error} onRetry={onRetry} />;
  return (
    <SessionContext value={open}>
      <section className="session" aria-label={session?.title ?? 'Conversation'} data-testid="connection" data-status={status}>
        <SessionHeader view={view} />
        <ConnectionBanner status={status} error={error} />
        <Conversation />
      </section>
      {view === 'thread' && id !== undefined && <ThreadPanel parentId={id} />}
      {view === 'members' && <MembersPanel />}
      {view === 'search' && <SearchPanel />}
    </SessionContext>
  );
}

function Conversation() {
  const [params] = useSearchParams();
  const target = params.get('m') ?? undefined;
  const jump = useJump(target);
  const [editing, setEditing] = useState<string>();
  return (
    <>
      <MessageList jump={jump} editing={editing} onEdit={setEditing} />
      <TypingLine />
      <Composer onEditLast={setEditing} />
    </>
  );
}

const CLOSED: Readonly<Record<string, string>> = {
  session_not_found: 'This conversation does not exist, or you are not in it. Ask somebody who is to add you.',
  removed: 'You are not in this conversation any more.',
};

interface ClosedProps {
  sessionId: string;
  error: MillraceError;
  onRetry: () => void;
}

/** Who is added meanwhile finds it in their list: then it is opened, and once alone, as a list may be behind. */
function Closed({ sessionId, error, onRetry }: ClosedProps) {
  const isListed = useSessions().items.some(({ session }) => session.id === sessionId);
  const wasListed = useRef(isListed);
  useEffect(() => {
    if (isListed && !wasListed.current) onRetry();
    wasListed.current = isListed;
  }, [isListed, onRetry]);
  return (
    <Notice title="Nothing to see here">
      <p role="alert">{CLOSED[error.code] ?? error.message}</p>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </Notice>
  );
}
