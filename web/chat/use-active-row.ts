import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type RefObject } from 'react';
import type { VirtualizerHandle } from 'virtua';
import type { Row } from './rows.ts';

/** One row is in the order of Tab, the last one at first; arrows, Home and End go from one to another. */
export function useActiveRow(
  rows: readonly Row[],
  scroller: RefObject<HTMLDivElement | null>,
  virtualizer: RefObject<VirtualizerHandle | null>,
) {
  const [key, setKey] = useState<string>();
  const moves = useRef(false);
  const found = key === undefined ? -1 : rows.findIndex((row) => row.key === key);
  const index = found === -1 ? rows.length - 1 : found;

  const setIndex = useCallback((next: number) => setKey(rows[next]?.key), [rows]);

  useEffect(() => {
    if (!moves.current) return;
    moves.current = false;
    virtualizer.current?.scrollToIndex(index, { align: 'nearest' });
    scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus({ preventScroll: true });
  }, [index, scroller, virtualizer]);

  const onKeyDown = useCallback(
    (event: KeyboardEvent<HTMLElement>) => {
      // keys of buttons and fields inside of a row are theirs
      if (!(event.target instanceof HTMLElement) || event.target.dataset['index'] === undefined) return;
      const steps: Readonly<Record<string, number>> = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: rows.length - 1 };
      const next = steps[event.key];
      if (next === undefined || next < 0 || next >= rows.length) return;
      event.preventDefault();
      moves.current = true;
      setKey(rows[next]?.key);
    },
    [index, rows],
  );

  return { index, setIndex, onKeyDown, kept: index >= 0 ? [index] : [] };
}
