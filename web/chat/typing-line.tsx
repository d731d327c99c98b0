import { useMessages } from '../../client/react/index.ts';
import { nameOf } from '../ui/avatar.tsx';
import { useOpenSession } from './session-context.ts';

/** names are said up to here */
const NAMED_MAX = 2;

export function TypingLine() {
  const { id, me } = useOpenSession();
  const { typing } = useMessages(id);
  const names = typing.filter((user) => user.id !== me).map(nameOf);
  const named = names.slice(0, NAMED_MAX).join(' and ');
  const text =
    names.length === 0
      ? ''
      : names.length > NAMED_MAX
        ? `${names.length} people are typing`
        : `${named} ${names.length === 1 ? 'is' : 'are'} typing`;
  return (
    <p className="typing" role="status" data-testid="typing">
      {text !== '' && (
        <>
          <span className="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {text}
        </>
      )}
    </p>
  );
}
