import { useEffect, useMemo, useRef, useState } from 'react';
import type { MemberAnswer } from '../../client/index.ts';
import { jumpTo, messageIn, useMessages } from '../../client/react/index.ts';
import { orTell } from '../ui/toasts.tsx';
import { Composer } from './composer.tsx';
import { MessageRow } from './message-row.tsx';
import { Panel } from './panel.tsx';
import { rowsOf } from './rows.ts';
import { useOpenSession } from './session-context.ts';
import { useActiveRow } from './use-active-row.ts';

/** a thread has all its rows in the page */
const ALL_ARE_THERE = { current: null };

/** A message and the replies to it. */
export function ThreadPanel({ parentId }: { parentId: string }) {
  const { id, me, members, handle, isLive } = useOpenSession();
  const { messages, streams, loadOlder } = useMessages(id, { parentId });
  const scroller = useRef<HTMLDivElement>(null);
  const [editing, setEditing] = useState<string>();
  const byId = useMemo(() => new Map(members.map((member): [string, MemberAnswer] => [member.user.id, member])), [members]);
  const parent = messageIn(handle, parentId);
  useEffect(() => {
    // a link may lead to a thread whose begin is far back
    if (isLive && messageIn(handle, parentId) === undefined) jumpTo(handle, parentId).catch(orTell('This thread is not here'));
  }, [handle, parentId, isLive]);
  const rows = useMemo(() => {
    const own = streams.filter((stream) => stream.parentId === parentId);
    return rowsOf({
      messages: parent === undefined ? messages : [parent, ...messages],
      streams: own,
      newAfterSeq: undefined,
      me,
    });
  }, [parent, messages, streams, parentId, me]);
  const active = useActiveRow(rows, scroller, ALL_ARE_THERE);
  const isShort = parent !== undefined && messages.length < parent.replyCount;
  return (
    <Panel title="Thread">
      <div ref={scroller} className="thread" role="feed" aria-label="Thread" data-testid="thread" onKeyDown={active.onKeyDown}>
        {isShort && (
          <button type="button" className="button list-more" onClick={() => void loadOlder().catch(() => {})}>
            Earlier replies
          </button>
        )}
        {rows.map((row, index) => (
          <MessageRow
            key={row.key}
            row={row}
            index={index}
            isActive={index === active.index}
            isTarget={false}
            isEditing={row.key === editing}
            members={byId}
            readers={undefined}
            onActive={active.setIndex}
            onEdit={setEditing}
            onEditEnd={() => setEditing(undefined)}
          />
        ))}
      </div>
      <Composer parentId={parentId} onEditLast={setEditing} />
    </Panel>
  );
}
