import { IconButton } from './icon-button.tsx';
import { useMenu, type MenuEntry } from './menu.tsx';

export function MenuButton({ label, entries }: { label: string; entries: readonly MenuEntry[] }) {
  const { props, popup } = useMenu(entries);
  return (
    <>
      <IconButton icon="more" label={label} {...props} />
      {popup}
    </>
  );
}
