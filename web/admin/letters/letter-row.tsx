import { Link, useSearch } from 'wouter';
import type { DeadLetter } from '../../../client/admin/index.ts';
import { fullTimeOf } from '../../ui/times.ts';
import { agoOf } from '../format.ts';
import { useNow } from '../use-now.ts';

interface LetterRowProps {
  letter: DeadLetter;
  isChosen: boolean;
  onChoose: (isChosen: boolean) => void;
}

export function LetterRow({ letter, isChosen, onChoose }: LetterRowProps) {
  const { id, consumer, reason, error, at, sessionId, seq, attempts } = letter;
  const nowMs = useNow();
  const search = useSearch();
  const what = sessionId === undefined ? `${consumer}, ${reason}` : `${consumer}, ${reason}, ${sessionId} ${seq ?? ''}`;
  return (
    <li className="letter" data-testid="letter">
      <input
        type="checkbox"
        aria-label={`Choose the letter of ${what}`}
        checked={isChosen}
        onChange={({ target }) => onChoose(target.checked)}
      />
      <Link href={`/admin/dead-letters/${id}${search === '' ? '' : `?${search}`}`} className="letter-link">
        <b>{reason}</b>
        <span className="soft">
          {consumer}
          {sessionId !== undefined && ` · ${sessionId}${seq === undefined ? '' : ` #${seq}`}`} ·{' '}
          {attempts === 1 ? '1 try' : `${attempts} tries`}
        </span>
        <span className="letter-error">{error}</span>
      </Link>
      <time dateTime={at} title={fullTimeOf(at)} className="soft">
        {agoOf(at, nowMs)}
      </time>
    </li>
  );
}
