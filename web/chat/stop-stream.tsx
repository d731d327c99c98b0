import type { RunningStream } from '../../client/index.ts';
import { messageIn } from '../../client/react/index.ts';
import { Icon } from '../ui/icon.tsx';
import { orTell } from '../ui/toasts.tsx';
import { useOpenSession } from './session-context.ts';

/** Stops a message that is being written: for who writes it, owners, and who asked for it (contract: stream.cancel). */
export function StopStream({ stream }: { stream: RunningStream }) {
  const { handle, me, isOwner } = useOpenSession();
  const asked = stream.parentId === undefined ? undefined : messageIn(handle, stream.parentId)?.author.id;
  if (stream.user.id !== me && asked !== me && !isOwner) return null;
  return (
    <button
      type="button"
      className="button stop"
      onClick={() => {
        handle.stop(stream.messageId).catch(orTell('It was not stopped'));
      }}
    >
      <Icon name="stop" />
      Stop
    </button>
  );
}
