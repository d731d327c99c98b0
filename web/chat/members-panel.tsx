import { useState, type FormEvent } from 'react';
import type { MemberAnswer } from '../../client/index.ts';
import { useMe } from '../shell/signed-in.tsx';
import { Avatar, nameOf } from '../ui/avatar.tsx';
import { MenuButton } from '../ui/menu-button.tsx';
import type { MenuEntry } from '../ui/menu.tsx';
import { orTell } from '../ui/toasts.tsx';
import { Panel } from './panel.tsx';
import { useOpenSession } from './session-context.ts';

const PRESENCE_TEXT = { online: 'here', away: 'away', offline: 'not here' } as const;

export function MembersPanel() {
  const { members, presence, isOwner, session } = useOpenSession();
  const statuses = new Map(presence.map(({ user, status }) => [user.id, status]));
  const shown = [...members].sort(
    (a, b) => rank(statuses, a) - rank(statuses, b) || nameOf(a.user).localeCompare(nameOf(b.user)),
  );
  const more = (session?.memberCount ?? 0) - shown.length;
  return (
    <Panel title="Members">
      <div className="panel-body">
        {isOwner && <AddMember />}
        <ul className="members">
          {shown.map((member) => (
            <MemberLine key={member.user.id} member={member} status={statuses.get(member.user.id) ?? 'offline'} />
          ))}
        </ul>
        {more > 0 && <p className="list-note">and {more} more</p>}
      </div>
    </Panel>
  );
}

function rank(statuses: ReadonlyMap<string, string>, { user }: MemberAnswer): number {
  const status = statuses.get(user.id);
  return status === 'online' ? 0 : status === 'away' ? 1 : 2;
}

function MemberLine({ member, status }: { member: MemberAnswer; status: 'online' | 'away' | 'offline' }) {
  const { handle, isOwner, me } = useOpenSession();
  const { user, role } = member;
  const set = (next: MemberAnswer['role']): void => {
    handle.command('member.put', { userId: user.id, role: next }).catch(orTell('The role was not changed'));
  };
  const remove = (): void => {
    handle.command('member.remove', { userId: user.id }).catch(orTell('The member was not removed'));
  };
  const entries: MenuEntry[] = [
    ...(['owner', 'member', 'viewer'] as const).map((each) => ({
      icon: 'user' as const,
      label: `Make ${each}`,
      isChosen: each === role,
      onSelect: () => set(each),
    })),
    { icon: 'trash', label: 'Remove', isDanger: true, onSelect: remove },
  ];
  return (
    <li className="member" data-testid="member" data-id={user.id} data-status={status}>
      <Avatar user={user} presence={status} />
      <span className="member-name">
        {nameOf(user)}
        {user.id === me && <span className="soft"> (you)</span>}
        <small className="soft">
          {role}, {PRESENCE_TEXT[status]}
        </small>
      </span>
      {isOwner && user.id !== me && <MenuButton label={`Change ${nameOf(user)}`} entries={entries} />}
    </li>
  );
}

function AddMember() {
  const { handle } = useOpenSession();
  const { identity } = useMe();
  const [userId, setUserId] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    // local sign-in makes ids of names in this way
    const id = identity.kind === 'local' ? encodeURIComponent(userId.trim()) : userId.trim();
    if (id === '') return;
    handle.command('member.put', { userId: id, role: 'member' }).then(() => setUserId(''), orTell('Nobody was added'));
  };
  return (
    <form onSubmit={submit} className="add-member">
      <label className="hidden" htmlFor="add-member">
        Add a member by user id
      </label>
      <input
        id="add-member"
        className="input"
        placeholder="User id"
        value={userId}
        onChange={(event) => setUserId(event.target.value)}
        autoComplete="off"
      />
      <button className="button">Add</button>
    </form>
  );
}
