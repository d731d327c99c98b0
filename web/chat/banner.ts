import type { MillraceError, SessionStatus } from '../../client/index.ts';

export interface Banner {
  text: string;
  /** waiting may not help: one can sign in again */
  isSignedOut?: boolean;
}

/** Says when what is shown may be old, and what becomes of what is written meanwhile. */
export function bannerOf(isOnline: boolean, status: SessionStatus, error: MillraceError | undefined): Banner | undefined {
  if (!isOnline) return { text: 'You are offline. What you write is kept, and sent when you are back.' };
  if (status !== 'reconnecting' && status !== 'loading') return undefined;
  if (error?.status === 401) return { text: 'Your sign-in is over. What you write is kept.', isSignedOut: true };
  if (error?.code === 'token_unavailable')
    return {
      text: `Your sign-in could not be renewed, and is tried again: ${error.message}. What you write is kept.`,
      isSignedOut: true,
    };
  if (status === 'reconnecting') return { text: 'Reconnecting… What you write is kept, and sent in its order.' };
  return error === undefined ? undefined : { text: `Still trying: ${error.message}` };
}
