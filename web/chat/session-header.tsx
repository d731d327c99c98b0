import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { Icon, type IconName } from '../ui/icon.tsx';
import { MenuButton } from '../ui/menu-button.tsx';
import type { MenuEntry } from '../ui/menu.tsx';
import { Confirm } from '../ui/modal.tsx';
import { orTell } from '../ui/toasts.tsx';
import { RenameSession } from './rename-session.tsx';
import { useOpenSession } from './session-context.ts';

export function SessionHeader({ view }: { view: string | undefined }) {
  const { id, session, presence } = useOpenSession();
  const here = presence.filter(({ status }) => status === 'online').length;
  return (
    <header className="session-head">
      <Link href="/" className="icon-button only-narrow" aria-label="All conversations">
        <Icon name="back" />
      </Link>
      <div className="session-name">
        <h1>{session?.title ?? '…'}</h1>
        {session !== undefined && (
          <p>
            {session.visibility === 'public' ? 'Public' : 'Private'} · {session.memberCount}{' '}
            {session.memberCount === 1 ? 'member' : 'members'}
            {here > 0 && <span data-testid="here"> · {here} here</span>}
          </p>
        )}
      </div>
      <Toggle icon="search" label="Search here" view="search" open={view} sessionId={id} />
      <Toggle icon="flow" label="Traces" view="traces" open={view} sessionId={id} />
      <Toggle icon="people" label="Members" view="members" open={view} sessionId={id} />
      <SessionMenu />
    </header>
  );
}

interface ToggleProps {
  icon: IconName;
  label: string;
  view: string;
  open: string | undefined;
  sessionId: string;
}

/** Opens something beside the messages, and closes it again. */
export function Toggle({ icon, label, view, open, sessionId }: ToggleProps) {
  const isOpen = view === open;
  return (
    <Link
      href={isOpen ? `/s/${sessionId}` : `/s/${sessionId}/${view}`}
      className="icon-button"
      aria-label={label}
      title={label}
      aria-current={isOpen ? 'page' : undefined}
    >
      <Icon name={icon} />
    </Link>
  );
}

function SessionMenu() {
  const { id, handle, session, isOwner, me } = useOpenSession();
  const [, navigate] = useLocation();
  const [dialog, setDialog] = useState<'rename' | 'delete' | 'leave'>();
  const close = (): void => setDialog(undefined);
  const isArchived = session?.status === 'archived';
  const run = (command: 'session.archive' | 'session.restore'): void => {
    handle.command(command, {}).catch(orTell('That did not work'));
  };
  const goAway = (done: Promise<unknown>): void => {
    done.then(() => navigate('/')).catch(orTell('That did not work'));
  };
  const ownerEntries: MenuEntry[] = [
    { icon: 'edit', label: 'Rename', onSelect: () => setDialog('rename') },
    {
      icon: 'archive',
      label: isArchived ? 'Take out of the archive' : 'Archive',
      onSelect: () => run(isArchived ? 'session.restore' : 'session.archive'),
    },
  ];
  const entries: MenuEntry[] = [
    { icon: 'link', label: 'Copy link', onSelect: () => void navigator.clipboard.writeText(`${location.origin}/s/${id}`) },
    ...(isOwner ? ownerEntries : []),
    ...(session?.role === undefined
      ? []
      : (['line', { icon: 'back', label: 'Leave', onSelect: () => setDialog('leave') }] as const)),
    ...(isOwner ? [{ icon: 'trash' as const, label: 'Delete', isDanger: true, onSelect: () => setDialog('delete') }] : []),
  ];
  return (
    <>
      <MenuButton label="More about this conversation" entries={entries} />
      <RenameSession open={dialog === 'rename'} onClose={close} />
      <Confirm
        title="Leave this conversation?"
        text="You see nothing of it any more, unless it is public or somebody adds you again."
        action="Leave"
        open={dialog === 'leave'}
        onClose={close}
        onConfirm={() => goAway(handle.command('member.remove', { userId: me }))}
      />
      <Confirm
        title="Delete this conversation?"
        text="It is erased for everybody, with all that was said in it. This cannot be undone."
        action="Delete"
        open={dialog === 'delete'}
        onClose={close}
        onConfirm={() => goAway(handle.command('session.delete', {}))}
      />
    </>
  );
}
