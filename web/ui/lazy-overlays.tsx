import { lazy } from 'react';

const load = () => import('./overlays.tsx');

export const DialogPopup = lazy(async () => ({ default: (await load()).DialogPopup }));
export const MenuPopup = lazy(async () => ({ default: (await load()).MenuPopup }));
export const PopoverPopup = lazy(async () => ({ default: (await load()).PopoverPopup }));

/** Brings them once the page has nothing better to do, so that the first menu opens at once. */
export function loadOverlaysSoon(): void {
  const soon = (): void => void load().catch(() => {});
  if ('requestIdleCallback' in window) window.requestIdleCallback(soon);
  else setTimeout(soon, 1_000);
}
