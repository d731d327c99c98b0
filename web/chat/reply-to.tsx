import { Link } from 'wouter';
import { nameOf } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { useOpenSession } from './session-context.ts';
import { useMessage } from './use-message.ts';

const EXCERPT_CHARS_MAX = 120;

/** What a message answers. */
export function ReplyTo({ parentId }: { parentId: string }) {
  const { id, handle } = useOpenSession();
  const parent = useMessage(handle, parentId);
  const text =
    parent === undefined
      ? 'an earlier message'
      : parent.deletedAt === undefined
        ? parent.text.slice(0, EXCERPT_CHARS_MAX)
        : 'a deleted message';
  return (
    <Link href={`/s/${id}/thread/${parentId}`} className="reply-to">
      <Icon name="reply" />
      {parent !== undefined && <b>{nameOf(parent.author)}</b>}
      <span>{text}</span>
    </Link>
  );
}
