import { useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import type { DeadLetter } from '../../../client/admin/index.ts';
import { useOperator, usePoll } from '../../../client/react/admin.ts';
import { Notice } from '../../ui/notice.tsx';
import { Fresh } from '../fresh.tsx';
import { Pager } from '../pager.tsx';
import { useAction } from '../use-action.ts';
import { BulkActions } from './bulk-actions.tsx';
import { LetterDialog } from './letter-dialog.tsx';
import { LetterRow } from './letter-row.tsx';

const EVERY_MS = 5_000;
const PAGE_LETTERS = 50;

/** Dead letters, newest first: what they are, and what becomes of them. */
export function LettersPage({ openId }: { openId: string | undefined }) {
  const [, navigate] = useLocation();
  const [search, setSearch] = useSearchParams();
  const consumer = search.get('consumer') ?? undefined;
  // the cursors of the pages before this one, newest first
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [cursor] = cursors;
  const polled = usePoll(`letters ${consumer} ${cursor}`, EVERY_MS, async (operator, signal) => {
    return await operator.deadLetters({ consumer, cursor, limit: PAGE_LETTERS }, signal);
  });
  const { value: page, refresh } = polled;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const letters = page?.items ?? [];
  return (
    <div className="admin-page">
      <header className="page-head">
        <h1>Dead letters</h1>
        <ConsumerFilter
          consumer={consumer}
          onChange={(next) => {
            setCursors([]);
            setChosen(new Set());
            setSearch(next === undefined ? {} : { consumer: next });
          }}
        />
      </header>
      <Fresh polled={polled} />
      <BulkActions
        letters={letters}
        chosen={letters.filter(({ id }) => chosen.has(id)).map(({ id }) => id)}
        consumer={consumer}
        onChoose={(ids) => setChosen(new Set(ids))}
        onDone={refresh}
      />
      {page !== undefined && letters.length === 0 ? (
        <Notice title="There are none">
          <p>Every event was taken, and every command was answered.</p>
        </Notice>
      ) : (
        <ul className="letters">
          {letters.map((letter) => (
            <LetterRow
              key={letter.id}
              letter={letter}
              isChosen={chosen.has(letter.id)}
              onChoose={(isChosen) => setChosen(withOrWithout(chosen, letter.id, isChosen))}
            />
          ))}
        </ul>
      )}
      <Pager
        hasNewer={cursors.length > 0}
        older={page?.nextCursor}
        onNewer={() => setCursors(cursors.slice(1))}
        onOlder={(next) => setCursors([next, ...cursors])}
      />
      {openId !== undefined && (
        <OpenLetter
          id={openId}
          onClose={() => navigate(`/admin/dead-letters${search.size === 0 ? '' : `?${search}`}`)}
          onDone={refresh}
        />
      )}
    </div>
  );
}

function withOrWithout(ids: ReadonlySet<string>, id: string, isIn: boolean): ReadonlySet<string> {
  const next = new Set(ids);
  if (isIn) next.add(id);
  else next.delete(id);
  return next;
}

interface FilterProps {
  consumer: string | undefined;
  onChange: (consumer: string | undefined) => void;
}

/** Of which consumer; the names are those that have some. */
function ConsumerFilter({ consumer, onChange }: FilterProps) {
  const { value } = usePoll('letters per consumer', EVERY_MS, async (operator, signal) => await operator.overview(signal));
  const known = new Set(value?.deadLetters.items.map((each) => each.consumer));
  if (consumer !== undefined) known.add(consumer);
  return (
    <label className="filter">
      Consumer
      <select
        className="input"
        value={consumer ?? ''}
        onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
      >
        <option value="">all</option>
        {[...known].toSorted().map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

interface OpenLetterProps {
  id: string;
  onClose: () => void;
  onDone: () => void;
}

function OpenLetter({ id, onClose, onDone }: OpenLetterProps) {
  const operator = useOperator();
  const { run, isBusy } = useAction(onDone);
  const settle = (what: 'redrive' | 'discard') => (letter: DeadLetter) =>
    run(`The letter was not ${what === 'redrive' ? 'redriven' : 'discarded'}`, async () => {
      await operator[what](letter.id);
      onClose();
    });
  return <LetterDialog id={id} isBusy={isBusy} onClose={onClose} onRedrive={settle('redrive')} onDiscard={settle('discard')} />;
}
