import { useId, useState, type KeyboardEvent, type RefObject } from 'react';
import type { MemberAnswer } from '../../client/index.ts';
import { nameOf } from '../ui/avatar.tsx';
import { mentionAt, offersFor } from './mentions.ts';
import { useOpenSession } from './session-context.ts';

/** Offers members after an @, as a list that the field controls (ARIA Authoring Practices: combobox). */
export function useMentionOffers(field: RefObject<HTMLTextAreaElement | null>, text: string, setText: (text: string) => void) {
  const { members, me } = useOpenSession();
  const listId = useId();
  const [caret, setCaret] = useState(0);
  const [chosen, setChosen] = useState(0);
  /** where an offer was declined */
  const [declinedAt, setDeclinedAt] = useState<number>();
  const typed = mentionAt(text, caret);
  const items = typed === undefined || typed.from === declinedAt ? [] : offersFor(typed.query, members, me);
  const index = Math.min(chosen, items.length - 1);

  const take = (member: MemberAnswer): void => {
    if (typed === undefined) return;
    const inserted = `@${nameOf(member.user)} `;
    setText(text.slice(0, typed.from) + inserted + text.slice(caret));
    const after = typed.from + inserted.length;
    setCaret(after);
    setChosen(0);
    // the field shows the new text after this
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(after, after);
    });
  };

  /** True when the key was for the list. */
  const onKeyDown = (event: KeyboardEvent): boolean => {
    const current = items[index];
    if (current === undefined) return false;
    if (event.key === 'ArrowDown') setChosen((index + 1) % items.length);
    else if (event.key === 'ArrowUp') setChosen((index + items.length - 1) % items.length);
    else if (event.key === 'Enter' || event.key === 'Tab') take(current);
    else if (event.key === 'Escape') setDeclinedAt(typed?.from);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };

  const isOpen = items.length > 0;
  return {
    items,
    index,
    listId,
    take,
    onKeyDown,
    onSelect: () => setCaret(field.current?.selectionStart ?? 0),
    fieldProps: {
      role: 'combobox',
      'aria-expanded': isOpen,
      'aria-controls': isOpen ? listId : undefined,
      'aria-autocomplete': 'list',
      'aria-activedescendant': isOpen ? `${listId}-${index}` : undefined,
    } as const,
  };
}
