import { Suspense, type ReactNode } from 'react';
import { DialogPopup } from './lazy-overlays.tsx';

interface ModalProps {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog over the page: focus stays inside, Escape and a click beside it close it. */
export function Modal({ title, open, onClose, children }: ModalProps) {
  if (!open) return null;
  return (
    <Suspense>
      <DialogPopup
        open
        title={title}
        onOpenChange={(next) => {
          if (!next) onClose();
        }}
      >
        {children}
      </DialogPopup>
    </Suspense>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ title, text, action, open, onClose, onConfirm }: ConfirmProps) {
  return (
    <Modal title={title} open={open} onClose={onClose}>
      <p>{text}</p>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="button"
          data-kind="danger"
          onClick={() => {
            onClose();
            onConfirm();
          }}
        >
          {action}
        </button>
      </div>
    </Modal>
  );
}
