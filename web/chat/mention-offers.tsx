import { Avatar, nameOf } from '../ui/avatar.tsx';
import type { useMentionOffers } from './use-mention-offers.ts';

export function MentionOffers({ offers }: { offers: ReturnType<typeof useMentionOffers> }) {
  const { items, index, listId, take } = offers;
  if (items.length === 0) return null;
  return (
    <ul className="popup offers" id={listId} role="listbox" aria-label="Members">
      {items.map((member, at) => (
        <li
          key={member.user.id}
          id={`${listId}-${at}`}
          role="option"
          aria-selected={at === index}
          className="menu-item"
          data-highlighted={at === index ? '' : undefined}
          // before the field loses focus
          onMouseDown={(event) => {
            event.preventDefault();
            take(member);
          }}
        >
          <Avatar user={member.user} size="small" />
          {nameOf(member.user)}
        </li>
      ))}
    </ul>
  );
}
