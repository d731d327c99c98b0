import { useEffect, useRef, useState } from 'react';
import { nameOf } from '../ui/avatar.tsx';
import type { Row } from './rows.ts';

/** longer texts are cut: who wants to hear all of it goes to the message */
const SAID_CHARS_MAX = 200;

/** Says new messages of others to those who do not see them come. What was there before is not said. */
export function Announcer({ rows, me, isQuiet }: { rows: readonly Row[]; me: string; isQuiet: boolean }) {
  const last = rows.findLast(({ message }) => message?.state === 'sent')?.message;
  const [said, setSaid] = useState('');
  const before = useRef<string>(undefined);
  useEffect(() => {
    const isFirst = before.current === undefined;
    if (last === undefined || before.current === last.id) return;
    before.current = last.id;
    if (isFirst || isQuiet || last.author.id === me) return;
    setSaid(`${nameOf(last.author)}: ${last.text.slice(0, SAID_CHARS_MAX)}`);
  }, [last, me, isQuiet]);
  return (
    <p className="hidden" role="status">
      {said}
    </p>
  );
}
