import { useLayoutEffect, useRef, useState, type RefObject } from 'react';

/** For what opens beside something else: focus that is inside when it closes goes back to where it came from. */
export function useFocusBack<E extends HTMLElement>(): RefObject<E | null> {
  const inside = useRef<E>(null);
  // as it was before a field in here took it
  const [opener] = useState(() => document.activeElement);
  useLayoutEffect(() => {
    const element = inside.current;
    return () => {
      if (element?.contains(document.activeElement) && opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, [opener]);
  return inside;
}
