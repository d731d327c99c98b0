import { useCallback, useMemo, useRef, useState } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import type { MemberAnswer } from '../../client/index.ts';
import { useMessages, useSession } from '../../client/react/index.ts';
import { Notice } from '../ui/notice.tsx';
import { Announcer } from './announcer.tsx';
import { MessageRow } from './message-row.tsx';
import { readersOf } from './readers.ts';
import { rowsOf } from './rows.ts';
import { useOpenSession } from './session-context.ts';
import { ToNewest } from './to-newest.tsx';
import { useActiveRow } from './use-active-row.ts';
import type { Jump } from './use-jump.ts';
import { useListScroll } from './use-list-scroll.ts';
import { useReadMarks } from './use-read-marks.ts';

interface MessageListProps {
  jump: Jump;
  editing: string | undefined;
  onEdit: (messageId: string | undefined) => void;
}

/** All messages of a session; only those that can be seen are in the page. */
export function MessageList({ jump, editing, onEdit }: MessageListProps) {
  const { id, me, members, session } = useOpenSession();
  const list = useMessages(id);
  const newAfterSeq = useNewAfter(id);
  const { messages, streams, isWindow, hasOlder } = list;
  const rows = useMemo(() => {
    // what is on its way stands behind the newest, which a window is not
    const shown = isWindow ? { messages: messages.filter(({ state }) => state === 'sent'), streams: [] } : { messages, streams };
    const all = rowsOf({ ...shown, newAfterSeq, me });
    // The oldest loaded waits for what is before it: day and name of a row depend on that, and no row that is shown may change its height.
    return hasOlder ? all.slice(1) : all;
  }, [messages, streams, isWindow, hasOlder, newAfterSeq, me]);
  const readers = useMemo(() => readersOf(messages, members, me), [messages, members, me]);
  const byId = useMemo(() => new Map(members.map((member): [string, MemberAnswer] => [member.user.id, member])), [members]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useRef<VirtualizerHandle>(null);
  const scroll = useListScroll({ rows, list, scroller, virtualizer, jump });
  const active = useActiveRow(rows, scroller, virtualizer);
  useReadMarks(scroll.isAtEnd && !list.isWindow);
  const stopEditing = useCallback(() => onEdit(undefined), [onEdit]);

  if (session === undefined) return <Notice title="Loading…" busy />;
  return (
    <div className="messages">
      <div
        ref={scroller}
        className="scroller"
        role="feed"
        aria-label="Messages"
        aria-busy={scroll.isLoading}
        data-testid="messages"
        onKeyDown={active.onKeyDown}
      >
        <div className="filler">{rows.length === 0 && <Empty />}</div>
        <Virtualizer
          key={scroll.listKey}
          ref={virtualizer}
          scrollRef={scroller}
          data={rows}
          shift={scroll.isPrepended}
          keepMounted={active.kept}
          onScroll={scroll.onScroll}
          onResize={scroll.onResize}
        >
          {(row, index) => (
            <MessageRow
              key={row.key}
              row={row}
              index={index}
              isActive={index === active.index}
              isTarget={row.key === scroll.target}
              isEditing={row.key === editing}
              members={byId}
              readers={readers.get(row.key)}
              onActive={active.setIndex}
              onEdit={onEdit}
              onEditEnd={stopEditing}
            />
          )}
        </Virtualizer>
      </div>
      {(!scroll.isAtEnd || list.isWindow) && rows.length > 0 && (
        <ToNewest newAfterKey={scroll.leftAtKey} rows={rows} onClick={scroll.toNewest} />
      )}
      <Announcer rows={rows} me={me} isQuiet={list.isWindow} />
    </div>
  );
}

/** What was read when this list was first shown; what is newer is marked. */
function useNewAfter(sessionId: string): number | undefined {
  const { status, readSeq, session } = useSession(sessionId);
  const [seq, setSeq] = useState<number>();
  if (seq === undefined && status === 'live' && session?.role !== undefined) setSeq(readSeq);
  return seq;
}

function Empty() {
  return (
    <Notice title="Nothing was said yet">
      <p>Be the first: write something below.</p>
    </Notice>
  );
}
