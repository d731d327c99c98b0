import { useState } from 'react';
import { Link } from 'wouter';
import { Icon, Wheel } from '../ui/icon.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { MyMenu } from '../shell/my-menu.tsx';
import { NewSession } from './new-session.tsx';
import { SearchResults } from './search-results.tsx';
import { SessionList } from './session-list.tsx';

/** All of one's conversations, and a search through them. */
export function Sidebar({ current }: { current: string | undefined }) {
  const [query, setQuery] = useState('');
  const [isNew, setIsNew] = useState(false);
  return (
    <nav className="sidebar" aria-label="Conversations">
      <div className="sidebar-head">
        <Link href="/" className="brand">
          <Wheel />
          Millrace
        </Link>
        <IconButton icon="plus" label="New conversation" onClick={() => setIsNew(true)} />
      </div>
      <div className="sidebar-search" role="search">
        <Icon name="search" />
        <input
          className="input"
          type="search"
          placeholder="Search all messages"
          aria-label="Search all messages"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </div>
      <div className="session-list">
        {query.trim() === '' ? (
          <SessionList current={current} onNew={() => setIsNew(true)} />
        ) : (
          <SearchResults query={query} onOpen={() => setQuery('')} />
        )}
      </div>
      <div className="sidebar-foot">
        <MyMenu />
      </div>
      <NewSession open={isNew} onClose={() => setIsNew(false)} />
    </nav>
  );
}
