import { useEffect } from 'react';

/** The title of the tab, while something is open. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title === undefined ? 'Millrace' : `${title} · Millrace`;
    return () => {
      document.title = 'Millrace';
    };
  }, [title]);
}
