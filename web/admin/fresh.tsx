import type { PollSnapshot } from '../../client/admin/index.ts';
import { durationOf } from './format.ts';
import { useNow } from './use-now.ts';

/** answers that are older are said to be */
const OLD_MS = 10_000;

/** Says what is wrong with what is shown: that it is old, and why nothing newer comes. */
export function Fresh({ polled }: { polled: PollSnapshot<unknown> }) {
  const nowMs = useNow();
  const { error, atMs } = polled;
  if (error === undefined) return null;
  const isOld = atMs !== undefined && nowMs - atMs > OLD_MS;
  return (
    <p className="admin-warning" role="status">
      {error.message}
      {isOld && ` What is shown is ${durationOf(nowMs - atMs)} old.`}
    </p>
  );
}
