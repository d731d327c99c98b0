import { useSyncExternalStore } from 'react';
import { asMillraceError } from '../../client/error.ts';
import { IconButton } from './icon-button.tsx';

interface Toast {
  key: number;
  title: string;
  detail: string | undefined;
}

const SHOWN_MS = 10_000;
/** more at a time: the oldest goes */
const TOASTS_MAX = 4;

let toasts: readonly Toast[] = [];
let lastKey = 0;
const listeners = new Set<() => void>();

function show(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/** Says what went wrong, from anywhere. */
export function tell(title: string, detail?: string): void {
  const key = (lastKey += 1);
  show([...toasts, { key, title, detail }].slice(-TOASTS_MAX));
  setTimeout(() => dismiss(key), SHOWN_MS);
}

function dismiss(key: number): void {
  show(toasts.filter((toast) => toast.key !== key));
}

/** For promises whose failure is said and nothing more. */
export function orTell(title: string): (error: unknown) => void {
  return (error) => tell(title, asMillraceError(error).message);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className="toasts" role="alert">
      {shown.map(({ key, title, detail }) => (
        <div key={key} className="toast" data-testid="toast">
          <p>
            <b>{title}</b>
            {detail !== undefined && <span>{detail}</span>}
          </p>
          <IconButton icon="close" label="Dismiss" onClick={() => dismiss(key)} />
        </div>
      ))}
    </div>
  );
}
