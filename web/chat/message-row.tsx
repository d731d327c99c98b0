import { memo, useState } from 'react';
import { Link } from 'wouter';
import type { ClientMessage, MemberAnswer, RunningStream } from '../../client/index.ts';
import { Avatar, nameOf } from '../ui/avatar.tsx';
import { dayOf, fullTimeOf, timeOf } from '../ui/times.ts';
import { Delivery, Unsent } from './delivery.tsx';
import { EditMessage } from './edit-message.tsx';
import { Markdown } from './markdown.tsx';
import { mentionedIn } from './mentions.ts';
import { MessageActions } from './message-actions.tsx';
import { Reactions } from './reactions.tsx';
import { ReplyTo } from './reply-to.tsx';
import type { Row } from './rows.ts';
import { useOpenSession } from './session-context.ts';
import { StopStream } from './stop-stream.tsx';

export interface MessageRowProps {
  row: Row;
  index: number;
  /** the one in the order of Tab */
  isActive: boolean;
  isTarget: boolean;
  isEditing: boolean;
  members: ReadonlyMap<string, MemberAnswer>;
  readers: readonly MemberAnswer[] | undefined;
  onActive: (index: number) => void;
  onEdit: (messageId: string) => void;
  onEditEnd: () => void;
}

/** Rows are made anew with every change of the list; most of them say the same as before. */
function isSame(a: MessageRowProps, b: MessageRowProps): boolean {
  const { row: x, ...restA } = a;
  const { row: y, ...restB } = b;
  const sameRow =
    x.key === y.key &&
    x.message === y.message &&
    x.stream === y.stream &&
    x.day === y.day &&
    x.isFirstNew === y.isFirstNew &&
    x.compact === y.compact;
  // the keys are those of the same interface
  return sameRow && (Object.keys(restA) as (keyof typeof restA)[]).every((key) => restA[key] === restB[key]);
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps) {
  const { row, index, isActive, isTarget, onActive } = props;
  const { message, stream } = row;
  const [isHovered, setIsHovered] = useState(false);
  const [isFocused, setIsFocused] = useState(false);
  const author = message?.author ?? stream?.user;
  const at = message?.createdAt ?? stream?.startedAt;
  if (author === undefined || at === undefined) return null;
  return (
    <article
      className="row"
      data-testid="message"
      data-id={row.key}
      data-index={index}
      data-compact={row.compact}
      data-target={isTarget}
      data-state={stream === undefined ? message?.state : 'streaming'}
      tabIndex={isActive ? 0 : -1}
      aria-posinset={index + 1}
      aria-setsize={-1}
      aria-label={`${nameOf(author)}, ${timeOf(at)}`}
      onMouseEnter={() => setIsHovered(true)}
      onMouseLeave={() => setIsHovered(false)}
      onFocus={() => {
        setIsFocused(true);
        onActive(index);
      }}
      onBlur={(event) => setIsFocused(event.currentTarget.contains(event.relatedTarget))}
    >
      {row.day !== undefined && <p className="day">{dayOf(row.day)}</p>}
      {row.isFirstNew && <p className="new-mark">New</p>}
      <div className="row-inner">
        {row.compact ? <span className="gutter" /> : <Avatar user={author} />}
        <div className="row-body">
          {!row.compact && (
            <p className="row-head">
              <b>{nameOf(author)}</b>
              {author.kind !== 'user' && <span className="kind">{author.kind}</span>}
              <time dateTime={at} title={fullTimeOf(at)}>
                {timeOf(at)}
              </time>
            </p>
          )}
          {message !== undefined && <Settled {...props} message={message} />}
          {stream !== undefined && <Running stream={stream} />}
        </div>
        {message !== undefined && message.deletedAt === undefined && <Marks message={message} readers={props.readers} />}
        {message?.state === 'sent' && message.deletedAt === undefined && (
          <MessageActions message={message} isShown={isHovered || isFocused} onEdit={props.onEdit} />
        )}
      </div>
    </article>
  );
}, isSame);

function Settled({ message, members, isEditing, onEditEnd }: MessageRowProps & { message: ClientMessage }) {
  const { me } = useOpenSession();
  if (message.deletedAt !== undefined) {
    return (
      <>
        <p className="gone">This message was deleted.</p>
        <ThreadLink message={message} />
      </>
    );
  }
  return (
    <>
      {message.parentId !== undefined && <ReplyTo parentId={message.parentId} />}
      {isEditing ? (
        <EditMessage message={message} onEnd={onEditEnd} />
      ) : (
        <Markdown text={message.text} mentioned={{ names: mentionedIn(message, members), me }} />
      )}
      {message.state !== 'sent' && <Unsent message={message} />}
      <Reactions message={message} members={members} />
      <ThreadLink message={message} />
    </>
  );
}

/** Beside a message: what is to be said about it in a few words. */
function Marks({ message, readers }: { message: ClientMessage; readers: readonly MemberAnswer[] | undefined }) {
  const { me } = useOpenSession();
  const { editedAt, status, commandId, author } = message;
  const isFollowed = author.id === me && commandId !== undefined && message.state === 'sent';
  if (editedAt === undefined && status === 'completed' && !isFollowed && readers === undefined) return null;
  return (
    <span className="marks">
      {editedAt !== undefined && <span title={fullTimeOf(editedAt)}>edited</span>}
      {status === 'cancelled' && <span>stopped</span>}
      {status === 'failed' && <span className="error">broke off</span>}
      {isFollowed && <Delivery commandId={commandId} />}
      {readers !== undefined && <Readers readers={readers} />}
    </span>
  );
}

function ThreadLink({ message }: { message: ClientMessage }) {
  const { id } = useOpenSession();
  const { replyCount } = message;
  if (replyCount === 0) return null;
  return (
    <Link href={`/s/${id}/thread/${message.id}`} className="thread-link" data-testid="thread-link">
      {replyCount} {replyCount === 1 ? 'reply' : 'replies'}
    </Link>
  );
}

const READERS_SHOWN_MAX = 5;

function Readers({ readers }: { readers: readonly MemberAnswer[] }) {
  const names = readers.map(({ user }) => nameOf(user)).join(', ');
  return (
    <span className="readers" title={`Read by ${names}`} data-testid="readers">
      <span className="hidden">Read by {names}</span>
      {readers.slice(0, READERS_SHOWN_MAX).map(({ user }) => (
        <Avatar key={user.id} user={user} size="small" />
      ))}
    </span>
  );
}

const NOBODY: ReadonlyMap<string, string> = new Map();

/** A message that is being written: as far as it has come. */
function Running({ stream }: { stream: RunningStream }) {
  const { me } = useOpenSession();
  return (
    <>
      {stream.parentId !== undefined && <ReplyTo parentId={stream.parentId} />}
      <div className="running" aria-busy="true">
        <Markdown text={stream.text} mentioned={{ names: NOBODY, me }} />
      </div>
      <StopStream stream={stream} />
    </>
  );
}
