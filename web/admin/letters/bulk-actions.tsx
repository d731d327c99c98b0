import { useState } from 'react';
import type { DeadLetter, Operator, RedriveReport } from '../../../client/admin/index.ts';
import { useOperator } from '../../../client/react/admin.ts';
import { Confirm } from '../../ui/modal.tsx';
import { useAction } from '../use-action.ts';

/** one walk over all letters ends after so many pages; what is left is redriven by the next */
const PAGES_MAX = 100;

interface BulkActionsProps {
  letters: readonly DeadLetter[];
  /** ids */
  chosen: readonly string[];
  consumer: string | undefined;
  onChoose: (ids: readonly string[]) => void;
  onDone: () => void;
}

/** What is done with many letters at once: those that are chosen, or all that the filter lets through. */
export function BulkActions({ letters, chosen, consumer, onChoose, onDone }: BulkActionsProps) {
  const { said, isBusy, redriveChosen, redriveAll, discardChosen } = useBulk({ chosen, consumer, onChoose, onDone });
  const [asks, setAsks] = useState<'discard' | 'all'>();
  const all = consumer === undefined ? 'all letters' : `all letters of ${consumer}`;
  const isAllChosen = letters.length > 0 && chosen.length === letters.length;
  return (
    <div className="bulk">
      <label className="choice">
        <input
          type="checkbox"
          checked={isAllChosen}
          disabled={letters.length === 0}
          onChange={() => onChoose(isAllChosen ? [] : letters.map(({ id }) => id))}
        />
        All of this page
      </label>
      <button
        type="button"
        className="button"
        data-kind="primary"
        disabled={isBusy || chosen.length === 0}
        onClick={redriveChosen}
      >
        Redrive {chosen.length === 0 ? 'chosen' : chosen.length}
      </button>
      <button type="button" className="button" disabled={isBusy || chosen.length === 0} onClick={() => setAsks('discard')}>
        Discard {chosen.length === 0 ? 'chosen' : chosen.length}…
      </button>
      <button type="button" className="button" disabled={isBusy || letters.length === 0} onClick={() => setAsks('all')}>
        Redrive {all}…
      </button>
      <p role="status">{said}</p>
      <Confirm
        title={chosen.length === 1 ? 'Discard 1 letter?' : `Discard ${chosen.length} letters?`}
        text="Their events stay out of their read models for good. A line of the log remains for each."
        action="Discard"
        open={asks === 'discard'}
        onClose={() => setAsks(undefined)}
        onConfirm={discardChosen}
      />
      <Confirm
        title={`Redrive ${all}?`}
        text="Each is given to its consumer once more, oldest first. What fails again stays."
        action="Redrive all"
        open={asks === 'all'}
        onClose={() => setAsks(undefined)}
        onConfirm={redriveAll}
      />
    </div>
  );
}

/** What the buttons do, and what is said of it. */
function useBulk({ chosen, consumer, onChoose, onDone }: Omit<BulkActionsProps, 'letters'>) {
  const operator = useOperator();
  const { run, isBusy } = useAction(onDone);
  const [said, setSaid] = useState('');
  const redriveChosen = (): void =>
    run('Not all were redriven', async () => {
      setSaid(inWords(await operator.redriveAll({ ids: [...chosen] })));
      onChoose([]);
    });
  const redriveAll = (): void =>
    run('Not all were redriven', async () =>
      setSaid(inWords(await walk(operator, consumer === undefined ? {} : { consumer }, setSaid))),
    );
  const discardChosen = (): void =>
    run('Not all were discarded', async () => {
      let done = 0;
      for (const id of chosen) {
        await operator.discard(id);
        done += 1;
        setSaid(`${done} of ${chosen.length} discarded`);
      }
      onChoose([]);
    });
  return { said, isBusy, redriveChosen, redriveAll, discardChosen };
}

async function walk(operator: Operator, choice: { consumer?: string }, say: (text: string) => void): Promise<RedriveReport> {
  const sum: RedriveReport = { dryRun: false, matched: 0, redriven: 0, failed: 0, items: [] };
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const report = await operator.redriveAll({ ...choice, ...(cursor === undefined ? {} : { cursor }) });
    sum.matched += report.matched;
    sum.redriven += report.redriven;
    sum.failed += report.failed;
    sum.items = report.items.filter(({ outcome }) => outcome === 'failed');
    say(inWords(sum));
    cursor = report.nextCursor;
    if (cursor === undefined) break;
  }
  return sum;
}

function inWords({ matched, redriven, failed, items }: RedriveReport): string {
  const why = items.find(({ outcome }) => outcome === 'failed')?.detail;
  return `${redriven} of ${matched} redriven${failed === 0 ? '' : `, ${failed} failed${why === undefined ? '' : `: ${why}`}`}`;
}
