import { useMemo } from 'react';
import { Link } from 'wouter';
import { useSearch } from '../../client/react/index.ts';
import { nameOf } from '../ui/avatar.tsx';
import { shortTimeOf } from '../ui/times.ts';
import { markedPieces } from './highlight.ts';

interface SearchResultsProps {
  query: string;
  /** of one conversation; absent: of all */
  sessionId?: string;
  onOpen?: () => void;
}

/** What was found, newest first, each a way to where it was said. */
export function SearchResults({ query, sessionId, onOpen }: SearchResultsProps) {
  const params = useMemo(() => ({ q: query, ...(sessionId === undefined ? {} : { sessionId }) }), [query, sessionId]);
  const { status, items, total, error, hasMore, loadMore } = useSearch(params);
  const found = status === 'searching' ? 'Searching…' : total === 1 ? '1 message' : `${total} messages`;
  return (
    <div data-testid="search-results" data-status={status}>
      <p className="list-note" role="status">
        {error === undefined ? found : `The search failed: ${error.message}`}
      </p>
      <ul className="results">
        {items.map(({ message, highlight }) => (
          <li key={message.id}>
            <Link href={`/s/${message.sessionId}?m=${message.id}`} className="result" data-testid="result" onClick={onOpen}>
              <span className="result-head">
                <b>{nameOf(message.author)}</b>
                <time dateTime={message.createdAt}>{shortTimeOf(message.createdAt)}</time>
              </span>
              <Highlight html={highlight} />
            </Link>
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="button list-more" onClick={() => void loadMore()}>
          More
        </button>
      )}
    </div>
  );
}

function Highlight({ html }: { html: string }) {
  return (
    <span className="result-text">
      {markedPieces(html).map(({ text, marked }, index) => (marked ? <mark key={index}>{text}</mark> : text))}
    </span>
  );
}
