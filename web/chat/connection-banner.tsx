import { useSyncExternalStore } from 'react';
import type { MillraceError, SessionStatus } from '../../client/index.ts';

function subscribe(listener: () => void): () => void {
  window.addEventListener('online', listener);
  window.addEventListener('offline', listener);
  return () => {
    window.removeEventListener('online', listener);
    window.removeEventListener('offline', listener);
  };
}

/** Says when what is shown may be old, and what becomes of what is written meanwhile. */
export function ConnectionBanner({ status, error }: { status: SessionStatus; error: MillraceError | undefined }) {
  const isOnline = useSyncExternalStore(subscribe, () => navigator.onLine);
  const text = !isOnline
    ? 'You are offline. What you write is kept, and sent when you are back.'
    : status === 'reconnecting'
      ? 'Reconnecting… What you write is kept, and sent in its order.'
      : status === 'loading' && error !== undefined
        ? `Still trying: ${error.message}`
        : undefined;
  return (
    <div role="status" className="banner-place">
      {text !== undefined && (
        <p className="banner" data-testid="banner">
          {text}
        </p>
      )}
    </div>
  );
}
