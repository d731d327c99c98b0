import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { ClientMessage } from '../../client/index.ts';
import { orTell } from '../ui/toasts.tsx';
import { focusRowOf } from './focus-row.ts';
import { useOpenSession } from './session-context.ts';

/** Enter saves, Escape leaves it as it was. */
export function EditMessage({ message, onEnd }: { message: ClientMessage; onEnd: () => void }) {
  const { handle } = useOpenSession();
  const [text, setText] = useState(message.text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(message.text.length, message.text.length);
  }, [message.text.length]);
  const end = (): void => {
    focusRowOf(field.current);
    onEnd();
  };
  const save = (): void => {
    end();
    if (text.trim() !== '' && text !== message.text) handle.edit(message.id, text).catch(orTell('Your change was not taken'));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') end();
    else if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="edit">
      <textarea
        ref={field}
        className="input"
        aria-label="Edit message"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div>
        <button type="button" className="button" onClick={end}>
          Cancel
        </button>
        <button type="button" className="button" data-kind="primary" onClick={save}>
          Save
        </button>
      </div>
    </div>
  );
}
