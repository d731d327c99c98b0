import { useMemo, useState } from 'react';
import { useSearchParams } from 'wouter';
import { usePresence, useSession } from '../../client/react/index.ts';
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

export function SessionPage({ sessionId, view, id }: SessionPageProps) {
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
  if (status === 'closed' && error !== undefined) return <Closed code={error.code} detail={error.message} />;
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

function Closed({ code, detail }: { code: string; detail: string }) {
  return (
    <Notice title="Nothing to see here">
      <p role="alert">{CLOSED[code] ?? detail}</p>
    </Notice>
  );
}
