import { CSPProvider } from '@base-ui/react/csp-provider';
import { Dialog } from '@base-ui/react/dialog';
import { Menu } from '@base-ui/react/menu';
import { Popover } from '@base-ui/react/popover';
import type { ReactNode, RefObject } from 'react';
import { Icon } from './icon.tsx';
import type { MenuEntry } from './menu.tsx';

/**
 * What opens over the page. It comes after the first load, as nothing of it is seen before somebody asks for it: together with
 * what places it, it weighs as much as the rest (docs/adr/0054). The policy of the pages lets no element bring styles along.
 */

interface OverlayProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

interface AnchoredProps extends OverlayProps {
  /** what it opens from, and where focus goes back to */
  anchor: RefObject<HTMLElement | null>;
}

export function DialogPopup({ title, open, onOpenChange, children }: OverlayProps & { title: string; children: ReactNode }) {
  return (
    <CSPProvider disableStyleElements>
      <Dialog.Root open={open} onOpenChange={(next) => onOpenChange(next)}>
        <Dialog.Portal>
          <Dialog.Backdrop className="backdrop" />
          <Dialog.Popup className="dialog">
            <Dialog.Title>{title}</Dialog.Title>
            {children}
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
    </CSPProvider>
  );
}

export function MenuPopup({ anchor, open, onOpenChange, entries }: AnchoredProps & { entries: readonly MenuEntry[] }) {
  return (
    <CSPProvider disableStyleElements>
      <Menu.Root open={open} onOpenChange={(next) => onOpenChange(next)} modal={false}>
        <Menu.Portal>
          <Menu.Positioner anchor={anchor} className="popup-place" sideOffset={6} align="end" collisionPadding={8}>
            <Menu.Popup className="popup" finalFocus={anchor}>
              {entries.map((entry) =>
                entry === 'line' ? (
                  <Menu.Separator key="line" className="menu-line" />
                ) : (
                  <Menu.Item
                    key={entry.label}
                    className="menu-item"
                    data-kind={entry.isDanger ? 'danger' : undefined}
                    onClick={entry.onSelect}
                  >
                    <Icon name={entry.isChosen ? 'check' : entry.icon} />
                    {entry.label}
                    {entry.isChosen && <span className="hidden"> (chosen)</span>}
                  </Menu.Item>
                ),
              )}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
    </CSPProvider>
  );
}

export function PopoverPopup({
  anchor,
  open,
  onOpenChange,
  label,
  children,
}: AnchoredProps & { label: string; children: ReactNode }) {
  return (
    <CSPProvider disableStyleElements>
      <Popover.Root open={open} onOpenChange={(next) => onOpenChange(next)}>
        <Popover.Portal>
          <Popover.Positioner anchor={anchor} className="popup-place" sideOffset={6} align="end" collisionPadding={8}>
            <Popover.Popup className="popup" aria-label={label} finalFocus={anchor}>
              {children}
            </Popover.Popup>
          </Popover.Positioner>
        </Popover.Portal>
      </Popover.Root>
    </CSPProvider>
  );
}
