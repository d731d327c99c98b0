import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from 'react';
import { useMessages } from '../../client/react/index.ts';
import { IconButton } from '../ui/icon-button.tsx';
import { orTell } from '../ui/toasts.tsx';
import { useDraft } from './draft.ts';
import { EmojiPicker } from './emoji-picker.tsx';
import { MentionOffers } from './mention-offers.tsx';
import { mentionsOf } from './mentions.ts';
import { useOpenSession } from './session-context.ts';
import { useMentionOffers } from './use-mention-offers.ts';

interface ComposerProps {
  /** absent: to all */
  parentId?: string;
  /** asks for the last message of one's own to be edited */
  onEditLast?: (messageId: string) => void;
}

export function Composer({ parentId, onEditLast }: ComposerProps) {
  const { session, canWrite } = useOpenSession();
  if (session === undefined || canWrite) return <WritingLine {...{ parentId, onEditLast }} />;
  return <CannotWrite />;
}

function WritingLine({ parentId, onEditLast }: { parentId: string | undefined; onEditLast: ComposerProps['onEditLast'] }) {
  const { id, handle, me, members, session } = useOpenSession();
  const { messages, send, isWindow, showNewest } = useMessages(id, parentId === undefined ? {} : { parentId });
  const [text, setText] = useDraft(me, parentId === undefined ? id : `${id}/${parentId}`);
  const [isPicking, setIsPicking] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const offers = useMentionOffers(field, text, setText);
  useEffect(() => field.current?.focus(), [parentId, id]);

  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    if (text.trim() === '') return;
    const mentions = mentionsOf(text, members);
    send({ text, ...(mentions.length === 0 ? {} : { mentions }) });
    setText('');
    if (isWindow && parentId === undefined) showNewest();
    handle.typing(false);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing || offers.onKeyDown(event)) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === 'ArrowUp' && text === '' && onEditLast !== undefined) {
      const last = messages.findLast(
        ({ author, state, deletedAt }) => author.id === me && state === 'sent' && deletedAt === undefined,
      );
      if (last === undefined) return;
      event.preventDefault();
      onEditLast(last.id);
    }
  };
  const insert = (emoji: string): void => {
    const at = field.current?.selectionEnd ?? text.length;
    setText(text.slice(0, at) + emoji + text.slice(at));
    field.current?.focus();
  };
  return (
    <form className="composer" onSubmit={submit}>
      <MentionOffers offers={offers} />
      <textarea
        ref={field}
        data-testid={parentId === undefined ? 'composer' : 'reply-composer'}
        rows={1}
        placeholder={parentId === undefined ? `Message ${session?.title ?? ''}` : 'Reply'}
        aria-label={parentId === undefined ? 'Message' : 'Reply'}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          handle.typing(event.target.value !== '');
        }}
        onSelect={offers.onSelect}
        onKeyDown={onKeyDown}
        {...offers.fieldProps}
      />
      <EmojiPicker label="Emoji" open={isPicking} onOpenChange={setIsPicking} onPick={insert} />
      <IconButton type="submit" icon="send" label="Send" data-kind="send" disabled={text.trim() === ''} />
    </form>
  );
}

/** Why there is nothing to write into, and what can be done about it. */
function CannotWrite() {
  const { handle, session, me } = useOpenSession();
  if (session?.status === 'archived')
    return <p className="no-composer">This conversation is archived: nothing new can be said.</p>;
  if (session?.role === 'viewer') return <p className="no-composer">You read along here: owners can let you write.</p>;
  return (
    <p className="no-composer">
      You are not in this conversation.
      <button
        type="button"
        className="button"
        data-kind="primary"
        onClick={() => {
          handle.command('member.put', { userId: me, role: 'member' }).catch(orTell('You could not join'));
        }}
      >
        Join
      </button>
    </p>
  );
}
