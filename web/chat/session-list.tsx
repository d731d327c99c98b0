import { memo } from 'react';
import { Link } from 'wouter';
import type { SessionsItem } from '../../client/index.ts';
import { useSessions } from '../../client/react/index.ts';
import { nameOf } from '../ui/avatar.tsx';
import { fullTimeOf, shortTimeOf } from '../ui/times.ts';

/** counts are said up to here (contract: 100 means "100 or more") */
const COUNT_SHOWN_MAX = 99;

export function SessionList({ current, onNew }: { current: string | undefined; onNew: () => void }) {
  const { items, status, error, hasMore, loadMore } = useSessions();
  return (
    <>
      {error !== undefined && (
        <p className="list-note" role="status">
          The list may be old: {error.message}
        </p>
      )}
      {status === 'ready' && items.length === 0 && (
        <div className="list-note">
          <p>You are in no conversation yet.</p>
          <button type="button" className="button" onClick={onNew}>
            Start one
          </button>
        </div>
      )}
      <ul data-testid="sessions">
        {items.map((item) => (
          <SessionLine key={item.session.id} item={item} isCurrent={item.session.id === current} />
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="button list-more" onClick={() => void loadMore().catch(() => {})}>
          Older conversations
        </button>
      )}
    </>
  );
}

const SessionLine = memo(function SessionLine({ item, isCurrent }: { item: SessionsItem; isCurrent: boolean }) {
  const { session, lastMessage, unread, mentions } = item;
  const at = lastMessage?.createdAt ?? session.updatedAt;
  return (
    <li>
      <Link
        href={`/s/${session.id}`}
        className="session-link"
        aria-current={isCurrent ? 'page' : undefined}
        data-testid="session"
        data-id={session.id}
        data-unread={unread > 0}
      >
        <span className="session-title">{session.title}</span>
        <time className="session-time" dateTime={at} title={fullTimeOf(at)}>
          {shortTimeOf(at)}
        </time>
        <span className="session-last">{lastLine(item)}</span>
        <Counts unread={unread} mentions={mentions} />
      </Link>
    </li>
  );
});

function lastLine({ session, lastMessage }: SessionsItem): string {
  if (session.status === 'archived') return 'Archived';
  if (lastMessage === undefined) return 'No messages yet';
  const text = lastMessage.deletedAt === undefined ? lastMessage.text : 'Message deleted';
  return `${nameOf(lastMessage.author)}: ${text}`;
}

function Counts({ unread, mentions }: { unread: number; mentions: number }) {
  if (unread === 0 && mentions === 0) return null;
  const shown = (count: number): string => (count > COUNT_SHOWN_MAX ? `${COUNT_SHOWN_MAX}+` : String(count));
  return mentions > 0 ? (
    <span className="badge" data-kind="mention" data-testid="mentions">
      @{shown(mentions)}
      <span className="hidden"> mentions of you, {shown(unread)} unread</span>
    </span>
  ) : (
    <span className="badge" data-testid="unread">
      {shown(unread)}
      <span className="hidden"> unread</span>
    </span>
  );
}
