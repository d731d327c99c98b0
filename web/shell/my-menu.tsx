import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { forgetIdentity, keepIdentity } from '../sign-in/identity.ts';
import { Avatar, nameOf } from '../ui/avatar.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { useMenu, type MenuEntry } from '../ui/menu.tsx';
import { Modal } from '../ui/modal.tsx';
import { useMe } from './signed-in.tsx';
import { useTheme, type Theme } from './theme.ts';

const THEMES: readonly { theme: Theme; icon: IconName; label: string }[] = [
  { theme: 'light', icon: 'sun', label: 'Light' },
  { theme: 'dark', icon: 'moon', label: 'Dark' },
  { theme: 'system', icon: 'system', label: 'As the system' },
];

/** Who one is, how the pages look, and the way out. */
export function MyMenu() {
  const { user, identity, isAdmin } = useMe();
  const [theme, setTheme] = useTheme();
  const [, navigate] = useLocation();
  const [isOther, setIsOther] = useState(false);
  const entries: MenuEntry[] = [
    ...THEMES.map(({ theme: each, icon, label }) => ({ icon, label, isChosen: each === theme, onSelect: () => setTheme(each) })),
    'line',
    ...(isAdmin ? [{ icon: 'flow' as const, label: 'Administration', onSelect: () => navigate('/admin') }] : []),
    ...(identity.kind === 'local'
      ? [{ icon: 'people' as const, label: 'Be someone else in this tab', onSelect: () => setIsOther(true) }]
      : []),
    { icon: 'back', label: 'Sign out', onSelect: forgetIdentity },
  ];
  const { props, popup } = useMenu(entries);
  return (
    <>
      <button type="button" className="me" {...props}>
        <Avatar user={user} />
        <span>
          {nameOf(user)}
          <span className="hidden">: account and appearance</span>
        </span>
        <Icon name="more" />
      </button>
      {popup}
      <Modal title="Be someone else in this tab" open={isOther} onClose={() => setIsOther(false)}>
        <OtherName onClose={() => setIsOther(false)} />
      </Modal>
    </>
  );
}

/** To talk with oneself on one machine: other tabs stay who they are. */
function OtherName({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() === '') return;
    onClose();
    keepIdentity({ kind: 'local', name: name.trim() }, true);
  };
  return (
    <form onSubmit={submit} className="stack">
      <div className="field">
        <label htmlFor="other">Their name</label>
        <input
          id="other"
          className="input"
          value={name}
          onChange={(event) => setName(event.target.value)}
          maxLength={40}
          autoComplete="off"
          required
        />
      </div>
      <div className="dialog-actions">
        <button className="button" data-kind="primary">
          Continue
        </button>
      </div>
    </form>
  );
}
