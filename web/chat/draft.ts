import { useCallback, useEffect, useRef, useState } from 'react';
import { onStored, readStored, writeStored } from '../stored.ts';

/** drafts end up in a storage that is shared with everything else */
const DRAFT_CHARS_MAX = 50_000;

/** What is written and not sent: kept over reloads, and the same in all tabs that do not write it themselves. */
export function useDraft(userId: string, place: string): [string, (text: string) => void] {
  const name = `draft:${userId}:${place}`;
  const [text, setText] = useState(() => readStored(name) ?? '');
  const written = useRef<string | null>(null);
  useEffect(() => {
    setText(readStored(name) ?? '');
    return onStored(() => {
      const stored = readStored(name) ?? '';
      // what this tab wrote comes back by the same way
      if (stored !== written.current) setText(stored);
    });
  }, [name]);
  const write = useCallback(
    (next: string) => {
      setText(next);
      written.current = next;
      writeStored(name, next === '' ? null : next.slice(0, DRAFT_CHARS_MAX));
    },
    [name],
  );
  return [text, write];
}
