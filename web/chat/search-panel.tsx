import { useState } from 'react';
import { Panel } from './panel.tsx';
import { SearchResults } from './search-results.tsx';
import { useOpenSession } from './session-context.ts';

export function SearchPanel() {
  const { id } = useOpenSession();
  const [query, setQuery] = useState('');
  return (
    <Panel title="Search here">
      <div className="panel-body" role="search">
        <input
          className="input"
          type="search"
          placeholder="Words of a message"
          aria-label="Search this conversation"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          autoFocus
        />
        {query.trim() !== '' && <SearchResults query={query} sessionId={id} />}
      </div>
    </Panel>
  );
}
