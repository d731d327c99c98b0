import { Icon } from '../ui/icon.tsx';
import type { Row } from './rows.ts';

/** The way back to the newest messages, and how many came meanwhile. */
export function ToNewest({
  rows,
  newAfterKey,
  onClick,
}: {
  rows: readonly Row[];
  newAfterKey: string | undefined;
  onClick: () => void;
}) {
  const at = newAfterKey === undefined ? -1 : rows.findIndex(({ key }) => key === newAfterKey);
  const count = at === -1 ? 0 : rows.length - 1 - at;
  return (
    <button type="button" className="to-newest" onClick={onClick} data-testid="to-newest">
      <Icon name="down" />
      {count > 0 ? `${count} new` : 'Newest'}
    </button>
  );
}
