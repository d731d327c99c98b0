import { useCallback, useEffect, useState } from 'react';
import { onStoredElsewhere, readStored, writeStored } from '../stored.ts';

/** a longer draft lives in this tab alone: the storage is shared with everything else, and nothing longer can be sent */
const DRAFT_CHARS_MAX = 50_000;

/** What is written and not sent: kept over reloads, and the same in all tabs. */
export function useDraft(userId: string, place: string): [string, (text: string) => void] {
  const name = `draft:${userId}:${place}`;
  const [text, setText] = useState(() => readStored(name) ?? '');
  useEffect(() => {
    setText(readStored(name) ?? '');
    return onStoredElsewhere(name, (value) => setText(value ?? ''));
  }, [name]);
  const write = useCallback(
    (next: string) => {
      setText(next);
      if (next.length <= DRAFT_CHARS_MAX) writeStored(name, next === '' ? null : next);
    },
    [name],
  );
  return [text, write];
}
