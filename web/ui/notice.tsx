import type { ReactNode } from 'react';
import { Wheel } from './icon.tsx';

/** Where there is nothing else to show: what is so, and what can be done. */
export function Notice({ title, busy = false, children }: { title: string; busy?: boolean; children?: ReactNode }) {
  return (
    <div className="notice" role={busy ? 'status' : undefined}>
      <Wheel turns={busy} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}
