import { Suspense, useRef, useState } from 'react';
import type { IconName } from './icon.tsx';
import { MenuPopup } from './lazy-overlays.tsx';

export interface MenuAction {
  icon: IconName;
  label: string;
  onSelect: () => void;
  isDanger?: boolean;
  /** of several that exclude each other, the one that is so now */
  isChosen?: boolean;
}

/** One line of a menu: an action, or a line that sets groups apart (one in a menu). */
export type MenuEntry = MenuAction | 'line';

/** What a button needs to be what a menu opens from. */
export interface MenuTriggerProps {
  ref: React.RefObject<HTMLButtonElement | null>;
  'aria-haspopup': 'menu';
  'aria-expanded': boolean;
  onClick: () => void;
}

/** A menu of actions that opens from a button. */
export function useMenu(entries: readonly MenuEntry[]) {
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLButtonElement>(null);
  const props: MenuTriggerProps = { ref, 'aria-haspopup': 'menu', 'aria-expanded': open, onClick: () => setOpen(!open) };
  const popup = open && (
    <Suspense>
      <MenuPopup open anchor={ref} onOpenChange={setOpen} entries={entries} />
    </Suspense>
  );
  return { props, popup };
}
