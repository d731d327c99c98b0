import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { asMillraceError } from '../../client/error.ts';
import { useMillrace } from '../../client/react/index.ts';
import { Modal } from '../ui/modal.tsx';

const TITLE_CHARS_MAX = 200;

export function NewSession({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal title="New conversation" open={open} onClose={onClose}>
      <Form onClose={onClose} />
    </Modal>
  );
}

function Form({ onClose }: { onClose: () => void }) {
  const client = useMillrace();
  const [, navigate] = useLocation();
  const [title, setTitle] = useState('');
  const [isPublic, setIsPublic] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const create = async (): Promise<void> => {
    setBusy(true);
    try {
      const visibility = isPublic ? 'public' : 'private';
      const { sessionId } = await client.createSession({ title: title.trim(), visibility });
      onClose();
      navigate(`/s/${sessionId}`);
    } catch (caught) {
      setError(asMillraceError(caught).message);
      setBusy(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (title.trim() !== '') void create();
  };
  return (
    <form onSubmit={submit} className="stack">
      <div className="field">
        <label htmlFor="title">Title</label>
        <input
          id="title"
          className="input"
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          maxLength={TITLE_CHARS_MAX}
          autoComplete="off"
          required
        />
      </div>
      <label className="choice">
        <input type="checkbox" checked={isPublic} onChange={(event) => setIsPublic(event.target.checked)} />
        <span>
          Anyone with the link may join
          <small className="soft">Otherwise only those whom you add see it.</small>
        </span>
      </label>
      {error !== undefined && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button className="button" data-kind="primary" disabled={busy}>
          Create
        </button>
      </div>
    </form>
  );
}
