import { useState } from 'react';
import { tell } from '../ui/toasts.tsx';
import { asMillraceError } from '../../client/error.ts';

/** Something that is done once at a time; a failure is said. */
export function useAction(after: () => void): { isBusy: boolean; run: (title: string, action: () => Promise<unknown>) => void } {
  const [isBusy, setBusy] = useState(false);
  const run = (title: string, action: () => Promise<unknown>): void => {
    if (isBusy) return;
    setBusy(true);
    action()
      .catch((error: unknown) => tell(title, asMillraceError(error).message))
      .finally(() => {
        setBusy(false);
        after();
      });
  };
  return { isBusy, run };
}
