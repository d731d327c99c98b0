import { useEffect, useRef, useState } from 'react';
import { jumpTo } from '../../client/react/index.ts';
import { orTell } from '../ui/toasts.tsx';
import { useOpenSession } from './session-context.ts';

export interface Jump {
  /** the message that the address names, once it is loaded */
  target: string | undefined;
  /** rises with every arrival, so that the same message can be jumped to again */
  turn: number;
}

/**
 * Goes to the message that the address names: loads what is around it when that is not here. Once; a connection that was lost and
 * comes back takes nobody away from where they are meanwhile.
 */
export function useJump(target: string | undefined): Jump {
  const { handle, isLive } = useOpenSession();
  const [jump, setJump] = useState<Jump>({ target: undefined, turn: 0 });
  const arrived = useRef<string>(undefined);
  useEffect(() => {
    if (target === undefined) arrived.current = undefined;
    if (target === undefined || !isLive || arrived.current === target) return;
    let over = false;
    jumpTo(handle, target).then(
      () => {
        if (over) return;
        arrived.current = target;
        setJump(({ turn }) => ({ target, turn: turn + 1 }));
      },
      (error: unknown) => {
        if (!over) orTell('That message is not here')(error);
      },
    );
    return () => {
      over = true;
    };
  }, [handle, target, isLive]);
  return jump;
}
