/** Strokes of a 24 × 24 grid. */
const PATHS = {
  archive: 'M4 8h16v11H4zM3 4h18v4H3zM10 12h4',
  back: 'M15 5l-7 7 7 7',
  chart: 'M4 4v16h16M8 15l4-5 3 3 5-7',
  check: 'M5 13l4 4L19 7',
  checks: 'M2 13l4 4L15 8M11 16l1 1L22 8',
  clock: 'M12 7v5l3 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  down: 'M6 10l6 6 6-6',
  edit: 'M4 20l1-5L16 4l4 4L9 19zM14 6l4 4',
  flow: 'M4 6h6v4H4zM14 14h6v4h-6zM7 10v6h7',
  link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  people: 'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21a7 7 0 0 1 14 0M16 3.5a4 4 0 0 1 0 7M19 14.5a7 7 0 0 1 3 6.5',
  plus: 'M12 5v14M5 12h14',
  reply: 'M4 5h16v11H9l-5 4z',
  retry: 'M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5',
  send: 'M4 12l16-8-5 17-3.5-6.5zM11.5 14.5L20 4',
  smile: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0zM8.5 14.5a4.5 4.5 0 0 0 7 0M9 9.5h.01M15 9.5h.01',
  stop: 'M7 7h10v10H7z',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5M17.5 6.5L19 5',
  system: 'M3 5h18v11H3zM9 20h6M12 16v4',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0',
  warning: 'M12 4L2.5 20h19zM12 10v4M12 17h.01',
} as const;

export type IconName = keyof typeof PATHS;

/** For the eye alone: what carries it has a name in words. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" data-name={name}>
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of Millrace: a water wheel. It turns while something is under way. */
export function Wheel({ turns = false }: { turns?: boolean }) {
  return (
    <svg className="wheel" viewBox="0 0 48 48" aria-hidden="true" data-turns={turns ? '' : undefined}>
      <g fill="none" stroke="currentColor" strokeWidth="3" strokeLinecap="round">
        <circle cx="24" cy="24" r="13" />
        <circle cx="24" cy="24" r="3" />
        <path d="M24 5v38M5 24h38M10.6 10.6l26.8 26.8M37.4 10.6L10.6 37.4" />
      </g>
    </svg>
  );
}
