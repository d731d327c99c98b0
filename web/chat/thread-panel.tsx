import { useEffect, useMemo, useState } from 'react';
import type { MemberAnswer } from '../../client/index.ts';
import { jumpTo, messageIn, useMessages } from '../../client/react/index.ts';
import { orTell } from '../ui/toasts.tsx';
import { Composer } from './composer.tsx';
import { MessageRow } from './message-row.tsx';
import { Panel } from './panel.tsx';
import { rowsOf } from './rows.ts';
import { useOpenSession } from './session-context.ts';

/** A message and the replies to it. */
export function ThreadPanel({ parentId }: { parentId: string }) {
  const { id, me, members, handle, isLive } = useOpenSession();
  const { messages, streams, loadOlder } = useMessages(id, { parentId });
  const [active, setActive] = useState(0);
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
  const isShort = parent !== undefined && messages.length < parent.replyCount;
  return (
    <Panel title="Thread">
      <div className="thread" role="feed" aria-label="Thread" data-testid="thread">
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
            isActive={index === active}
            isTarget={false}
            isEditing={row.key === editing}
            members={byId}
            readers={undefined}
            onActive={setActive}
            onEdit={setEditing}
            onEditEnd={() => setEditing(undefined)}
          />
        ))}
      </div>
      <Composer parentId={parentId} onEditLast={setEditing} />
    </Panel>
  );
}
