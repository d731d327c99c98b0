import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { Operator } from '../../client/admin/index.ts';
import { OperatorProvider, usePoll } from '../../client/react/admin.ts';
import { useMe } from '../shell/signed-in.tsx';
import { fullTimeOf } from '../ui/times.ts';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';

const EVERY_MS = 5_000;

/** What those see who operate this Millrace. It is no part of the first load. */
export function AdminPage() {
  const { isAdmin, getToken } = useMe();
  const [operator, setOperator] = useState<Operator>();
  useEffect(() => {
    setOperator(new Operator({ url: location.origin, getToken }));
  }, [getToken]);
  if (!isAdmin) {
    return (
      <Notice title="This is for administrators">
        <p>
          Your token has no scope for it. Locally, npm run token -- alice --scope admin prints one that has: sign in with that.
        </p>
        <Link href="/" className="button">
          Back to the conversations
        </Link>
      </Notice>
    );
  }
  if (operator === undefined) return null;
  return (
    <OperatorProvider operator={operator}>
      <main className="admin">
        <header className="session-head">
          <Link href="/" className="icon-button" aria-label="Conversations" title="Conversations">
            <Icon name="back" />
          </Link>
          <div className="session-name">
            <h1>Administration</h1>
          </div>
        </header>
        <DeadLetters />
      </main>
    </OperatorProvider>
  );
}

function DeadLetters() {
  const { value, error } = usePoll('dead-letters', EVERY_MS, (operator, signal) => operator.deadLetters({}, signal));
  return (
    <section className="panel-body">
      <h2>Dead letters</h2>
      {error !== undefined && (
        <p className="error" role="status">
          They cannot be read now: {error.message}
        </p>
      )}
      {value?.items.length === 0 && <p className="list-note">There are none.</p>}
      <ul className="results">
        {value?.items.map(({ id, consumer, reason, error: detail, firstFailedAt }) => (
          <li key={id} className="result">
            <b>{consumer}</b> {reason} <time dateTime={firstFailedAt}>{fullTimeOf(firstFailedAt)}</time>
            <p className="soft">{detail}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
