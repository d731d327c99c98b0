import type { ClientMessage } from '../../client/index.ts';
import { useCommandStatus } from '../../client/react/index.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { useOpenSession } from './session-context.ts';

const STATUSES: Readonly<Record<string, { icon: IconName; text: string }>> = {
  accepted: { icon: 'check', text: 'Accepted: it is durable at the edge' },
  published: { icon: 'checks', text: 'Published: it is in the stream' },
  persisted: { icon: 'checks', text: 'Stored for good' },
  failed: { icon: 'warning', text: 'Set aside by the store: an operator has to look at it' },
};

/** How far a message of one's own has come, from 202 to the database. */
export function Delivery({ commandId }: { commandId: string }) {
  const { id } = useOpenSession();
  const status = useCommandStatus(id, commandId)?.status ?? 'accepted';
  const { icon, text } = STATUSES[status] ?? { icon: 'check', text: status };
  return (
    <span className="delivery" data-testid="delivery" data-status={status} title={text}>
      <Icon name={icon} />
      <span className="hidden">{text}</span>
    </span>
  );
}

/** A message that is on its way, or was refused. */
export function Unsent({ message }: { message: ClientMessage }) {
  const { handle } = useOpenSession();
  if (message.state === 'pending') {
    return (
      <p className="unsent">
        <Icon name="clock" />
        Waiting to be sent
      </p>
    );
  }
  return (
    <p className="unsent" data-failed="" role="alert">
      <Icon name="warning" />
      <span>Not sent: {message.error?.message ?? 'it was refused'}</span>
      <button type="button" className="text-button" onClick={() => handle.retry(message.id)}>
        Try again
      </button>
      <button type="button" className="text-button" onClick={() => handle.discard(message.id)}>
        Discard
      </button>
    </p>
  );
}
