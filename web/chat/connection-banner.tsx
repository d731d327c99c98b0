import { useSyncExternalStore } from 'react';
import type { MillraceError, SessionStatus } from '../../client/index.ts';
import { forgetIdentity } from '../sign-in/identity.ts';
import { bannerOf } from './banner.ts';

function subscribe(listener: () => void): () => void {
  window.addEventListener('online', listener);
  window.addEventListener('offline', listener);
  return () => {
    window.removeEventListener('online', listener);
    window.removeEventListener('offline', listener);
  };
}

export function ConnectionBanner({ status, error }: { status: SessionStatus; error: MillraceError | undefined }) {
  const isOnline = useSyncExternalStore(subscribe, () => navigator.onLine);
  const banner = bannerOf(isOnline, status, error);
  return (
    <div role="status" className="banner-place">
      {banner !== undefined && (
        <p className="banner" data-testid="banner">
          {banner.text}
          {banner.isSignedOut && (
            <>
              {' '}
              <button type="button" className="text-button" onClick={forgetIdentity}>
                Sign in again
              </button>
            </>
          )}
        </p>
      )}
    </div>
  );
}
