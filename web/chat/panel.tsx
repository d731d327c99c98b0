import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import { IconButton } from '../ui/icon-button.tsx';
import { useOpenSession } from './session-context.ts';
import { useFocusBack } from './use-focus-back.ts';

/** Something beside the messages; on a narrow screen it lies over them. */
export function Panel({ title, children }: { title: string; children: ReactNode }) {
  const { id } = useOpenSession();
  const [, navigate] = useLocation();
  const inside = useFocusBack();
  const close = (): void => navigate(`/s/${id}`);
  return (
    <aside
      ref={inside}
      className="panel"
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) close();
      }}
    >
      <header className="panel-head">
        <h2>{title}</h2>
        <IconButton icon="close" label={`Close ${title.toLowerCase()}`} onClick={close} />
      </header>
      {children}
    </aside>
  );
}
