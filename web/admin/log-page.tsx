import { useState } from 'react';
import { usePoll } from '../../client/react/admin.ts';
import { Notice } from '../ui/notice.tsx';
import { fullTimeOf } from '../ui/times.ts';
import { Fresh } from './fresh.tsx';
import { Pager } from './pager.tsx';

const EVERY_MS = 10_000;

/** Who did what; newest first. */
export function LogPage() {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [cursor] = cursors;
  const polled = usePoll(`log ${cursor}`, EVERY_MS, async (operator, signal) => await operator.log({ cursor }, signal));
  const { value: page } = polled;
  const lines = page?.items ?? [];
  return (
    <div className="admin-page">
      <h1>Log</h1>
      <Fresh polled={polled} />
      {page !== undefined && lines.length === 0 ? (
        <Notice title="Nobody has done anything yet" />
      ) : (
        <div className="table-scroll card" tabIndex={0} role="region" aria-label="Log">
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
                <th scope="col">To what</th>
              </tr>
            </thead>
            <tbody>
              {lines.map(({ at, actor, action, target, correlationId }) => (
                <tr key={`${at} ${correlationId} ${action} ${target}`}>
                  <td>{fullTimeOf(at)}</td>
                  <td>{actor}</td>
                  <td>{action}</td>
                  <td>{target}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Pager
        hasNewer={cursors.length > 0}
        older={page?.nextCursor}
        onNewer={() => setCursors(cursors.slice(1))}
        onOlder={(next) => setCursors([next, ...cursors])}
      />
    </div>
  );
}
