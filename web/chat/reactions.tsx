import type { ClientMessage, MemberAnswer } from '../../client/index.ts';
import { nameOf } from '../ui/avatar.tsx';
import { orTell } from '../ui/toasts.tsx';
import { useOpenSession } from './session-context.ts';

export function Reactions({ message, members }: { message: ClientMessage; members: ReadonlyMap<string, MemberAnswer> }) {
  const { handle, canWrite } = useOpenSession();
  if (message.reactions.length === 0) return null;
  return (
    <div className="reactions">
      {message.reactions.map(({ emoji, count, mine, userIds }) => {
        const names = userIds.map((id) => nameOf(members.get(id)?.user ?? { id, kind: 'user' }));
        const more = count > names.length ? ` and ${count - names.length} more` : '';
        return (
          <button
            key={emoji}
            type="button"
            className="reaction"
            data-testid="reaction"
            aria-pressed={mine}
            aria-label={`${emoji}, ${count}: ${names.join(', ')}${more}`}
            title={`${names.join(', ')}${more}`}
            disabled={!canWrite}
            onClick={() => {
              const done = mine ? handle.unreact(message.id, emoji) : handle.react(message.id, emoji);
              done.catch(orTell('The reaction was not taken'));
            }}
          >
            {emoji} <span>{count}</span>
          </button>
        );
      })}
    </div>
  );
}
