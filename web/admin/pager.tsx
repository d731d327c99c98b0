interface PagerProps {
  hasNewer: boolean;
  older: string | undefined;
  onNewer: () => void;
  onOlder: (cursor: string) => void;
}

/** Between the pages of a list whose newest are first. */
export function Pager({ hasNewer, older, onNewer, onOlder }: PagerProps) {
  if (!hasNewer && older === undefined) return null;
  return (
    <nav className="pager" aria-label="Pages">
      <button type="button" className="button" disabled={!hasNewer} onClick={onNewer}>
        Newer
      </button>
      <button
        type="button"
        className="button"
        disabled={older === undefined}
        onClick={() => older !== undefined && onOlder(older)}
      >
        Older
      </button>
    </nav>
  );
}
