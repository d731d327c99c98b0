import { useState, type FormEvent } from 'react';
import { Modal } from '../ui/modal.tsx';
import { orTell } from '../ui/toasts.tsx';
import { useOpenSession } from './session-context.ts';

const TITLE_CHARS_MAX = 200;

export function RenameSession({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal title="Rename" open={open} onClose={onClose}>
      <Form onClose={onClose} />
    </Modal>
  );
}

function Form({ onClose }: { onClose: () => void }) {
  const { handle, session } = useOpenSession();
  const [title, setTitle] = useState(session?.title ?? '');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (title.trim() === '') return;
    onClose();
    handle.command('session.update', { title: title.trim() }).catch(orTell('It was not renamed'));
  };
  return (
    <form onSubmit={submit} className="stack">
      <div className="field">
        <label htmlFor="rename">Title</label>
        <input
          id="rename"
          className="input"
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          maxLength={TITLE_CHARS_MAX}
          autoComplete="off"
          required
        />
      </div>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button className="button" data-kind="primary">
          Rename
        </button>
      </div>
    </form>
  );
}
