import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type RefObject } from 'react';
import type { VirtualizerHandle } from 'virtua';
import type { Messages } from '../../client/react/index.ts';
import { Loads } from './loads.ts';
import { isPrepended, type Row } from './rows.ts';
import type { Jump } from './use-jump.ts';

/** this close to the end counts as being there: then new messages are followed */
const END_PX = 60;
/** older messages are asked for when less than this is left above */
const AHEAD_PX = 1_200;
/** how long a message that was jumped to stays marked */
const TARGET_SHOWN_MS = 2_500;

interface ListScrollInput {
  rows: readonly Row[];
  list: Messages;
  scroller: RefObject<HTMLDivElement | null>;
  virtualizer: RefObject<VirtualizerHandle | null>;
  jump: Jump;
}

/** Where the list stands: it follows the end, stays put when older messages come, and goes where it is sent. */
export function useListScroll({ rows, list, scroller, virtualizer, jump }: ListScrollInput) {
  const [isAtEnd, setIsAtEnd] = useState(true);
  const [leftAtKey, setLeftAtKey] = useState<string>();
  const follows = useRef(true);
  const { before, listKey } = useContinuity(rows);
  const { isLoading, look } = useMore(list, scroller);
  const { target, toTarget } = useTarget(rows, virtualizer, jump, follows);

  const toEnd = useCallback(() => {
    if (rows.length > 0) virtualizer.current?.scrollToIndex(rows.length - 1, { align: 'end' });
  }, [rows.length, virtualizer]);

  // what I send is followed wherever I am
  const last = rows.at(-1)?.message;
  const isMine = last?.state === 'pending';
  useLayoutEffect(() => {
    if (isMine) follows.current = true;
  }, [isMine, last?.id]);

  useLayoutEffect(() => {
    if (toTarget()) return;
    if (follows.current && !list.isWindow) toEnd();
  }, [rows, listKey, list.isWindow, toEnd, toTarget]);

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const isEnd = element.scrollHeight - element.scrollTop - element.clientHeight < END_PX;
    follows.current = isEnd;
    setIsAtEnd((was) => {
      if (was && !isEnd) setLeftAtKey(rows.at(-1)?.key);
      return isEnd;
    });
    look(true);
  }, [scroller, look, rows]);

  const onResize = useCallback(() => {
    if (follows.current && !list.isWindow) toEnd();
  }, [list.isWindow, toEnd]);

  const toNewest = useCallback(() => {
    follows.current = true;
    if (list.isWindow) list.showNewest();
    toEnd();
  }, [list, toEnd]);

  return {
    isAtEnd,
    leftAtKey,
    listKey,
    isPrepended: isPrepended(before, rows),
    isLoading,
    target,
    onScroll,
    onResize,
    toNewest,
  };
}

/** What was shown before, and a key that changes when what is shown now has nothing to do with it. */
function useContinuity(rows: readonly Row[]): { before: readonly Row[]; listKey: number } {
  const shown = useRef<{ rows: readonly Row[]; listKey: number }>({ rows: [], listKey: 0 });
  const { rows: before } = shown.current;
  const ends = [before[0]?.key, before.at(-1)?.key];
  const goesOn = before.length === 0 || before === rows || rows.some(({ key }) => ends.includes(key));
  const listKey = goesOn ? shown.current.listKey : shown.current.listKey + 1;
  useLayoutEffect(() => {
    shown.current = { rows, listKey };
  }, [rows, listKey]);
  return { before: goesOn ? before : [], listKey };
}

/** Loads older messages before they are needed, and in a window newer ones too. */
function useMore(list: Messages, scroller: RefObject<HTMLDivElement | null>) {
  const [isLoading, setIsLoading] = useState(false);
  const again = useRef(() => {});
  const loads = useMemo(() => new Loads(setIsLoading, () => again.current()), []);
  const look = useCallback(
    (isMoved: boolean) => {
      const element = scroller.current;
      if (element === null) return;
      const below = element.scrollHeight - element.scrollTop - element.clientHeight;
      const load =
        list.hasOlder && element.scrollTop < AHEAD_PX
          ? list.loadOlder
          : list.isWindow && below < AHEAD_PX
            ? list.loadNewer
            : undefined;
      if (load !== undefined) loads.begin(load, isMoved);
    },
    [list, scroller, loads],
  );
  // a page may be shorter than what it was to fill
  useEffect(() => {
    again.current = () => look(false);
    if (!isLoading) look(false);
  }, [isLoading, look]);
  useEffect(() => () => loads.stop(), [loads]);
  return { isLoading, look };
}

/** Goes to the message that was jumped to, once it is among the rows. */
function useTarget(
  rows: readonly Row[],
  virtualizer: RefObject<VirtualizerHandle | null>,
  jump: Jump,
  follows: RefObject<boolean>,
) {
  const [target, setTarget] = useState<string>();
  const arrived = useRef(0);
  const toTarget = useCallback((): boolean => {
    if (jump.target === undefined || arrived.current === jump.turn) return false;
    const index = rows.findIndex(({ key }) => key === jump.target);
    if (index === -1) return false;
    arrived.current = jump.turn;
    follows.current = false;
    virtualizer.current?.scrollToIndex(index, { align: 'center' });
    setTarget(jump.target);
    return true;
  }, [rows, virtualizer, jump, follows]);
  useEffect(() => {
    if (target === undefined) return;
    const timer = setTimeout(() => setTarget(undefined), TARGET_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [target, jump.turn]);
  return { target, toTarget };
}
