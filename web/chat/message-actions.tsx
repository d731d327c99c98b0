import { useState } from 'react';
import { useLocation } from 'wouter';
import type { ClientMessage } from '../../client/index.ts';
import { IconButton } from '../ui/icon-button.tsx';
import { Confirm } from '../ui/modal.tsx';
import { orTell } from '../ui/toasts.tsx';
import { EmojiPicker } from './emoji-picker.tsx';
import { useOpenSession } from './session-context.ts';

interface MessageActionsProps {
  message: ClientMessage;
  /** somebody points at the message, or has focus in it */
  isShown: boolean;
  onEdit: (messageId: string) => void;
}

/** What can be done with a message. It is only in the page while it can be used. */
export function MessageActions({ message, isShown, onEdit }: MessageActionsProps) {
  const { id, handle, me, canWrite, isOwner } = useOpenSession();
  const [, navigate] = useLocation();
  const [isPicking, setIsPicking] = useState(false);
  const [isDeleting, setIsDeleting] = useState(false);
  const isMine = message.author.id === me;
  const react = (emoji: string): void => {
    handle.react(message.id, emoji).catch(orTell('The reaction was not taken'));
  };
  return (
    <>
      {(isShown || isPicking) && (
        <div className="actions" role="toolbar" aria-label="Message">
          {canWrite && (
            <>
              <EmojiPicker label="React" open={isPicking} onOpenChange={setIsPicking} onPick={react} />
              <IconButton icon="reply" label="Reply" onClick={() => navigate(`/s/${id}/thread/${message.id}`)} />
            </>
          )}
          {isMine && canWrite && <IconButton icon="edit" label="Edit" onClick={() => onEdit(message.id)} />}
          <IconButton icon="copy" label="Copy text" onClick={() => void navigator.clipboard.writeText(message.text)} />
          {(isMine || isOwner) && <IconButton icon="trash" label="Delete" onClick={() => setIsDeleting(true)} />}
        </div>
      )}
      <Confirm
        title="Delete this message?"
        text="Its text is erased for everybody. This cannot be undone."
        action="Delete"
        open={isDeleting}
        onClose={() => setIsDeleting(false)}
        onConfirm={() => {
          handle.deleteMessage(message.id).catch(orTell('The message was not deleted'));
        }}
      />
    </>
  );
}
