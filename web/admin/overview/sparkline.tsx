import { pathOf } from '../samples.ts';

const WIDTH = 160;
const HEIGHT = 28;

/** A small line of what was seen; its newest value stands in words beside it. */
export function Sparkline({ values, label }: { values: readonly (number | undefined)[]; label: string }) {
  const path = pathOf(values, WIDTH, HEIGHT);
  if (path === '') return null;
  return (
    <svg className="sparkline" viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path d={path} />
    </svg>
  );
}
