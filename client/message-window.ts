import type { Session } from './session.ts';
import { extentOf } from './state/loader.ts';
import type { ClientMessage } from './state/rows.ts';
import type { MessageList, Window } from './state/message-list.ts';
import type { MessagesPage } from './wire.ts';

/** A message, when it is here. */
export function messageIn(session: Session, messageId: string): ClientMessage | undefined {
  return session.extend(({ view }) => view.messages.get(messageId));
}

/** `messages` are those around one that was jumped to, and there are newer ones between them and those on their way. */
export function isWindow(session: Session): boolean {
  return session.extend(({ view }) => view.messages.window !== undefined);
}

/**
 * Shows the messages around this one, as `snapshot.messages`; unless it is among the newest, which are here already. Rejects with
 * `message_not_found`.
 */
export function jumpTo(session: Session, messageId: string): Promise<void> {
  return session.extend(async ({ loader, view: { messages }, changed }) => {
    const known = messages.get(messageId);
    const isHere = known !== undefined && known.seq >= (messages.extent?.floor ?? Infinity);
    const page = isHere ? undefined : await loader.page(undefined, `&around=${encodeURIComponent(messageId)}`);
    showWindow(messages, page && windowOf(page, { floor: Infinity, ceiling: 0 }));
    changed.emit();
  });
}

/** Loads the next older or newer page of the window. False when there is none, or no window any more. */
export function growWindow(session: Session, way: 'older' | 'newer'): Promise<boolean> {
  return session.extend(async ({ loader, view: { messages }, changed }) => {
    const { window } = messages;
    const cursor = way === 'older' ? window?.nextCursor : window?.previousCursor;
    if (window === undefined || cursor === undefined) return false;
    const page = await (way === 'older'
      ? loader.page(window, '')
      : loader.page(undefined, `&after=${encodeURIComponent(cursor)}`));
    // another jump was made meanwhile
    if (messages.window !== window) return true;
    const { previousCursor, nextCursor, floor } = window;
    const grown = windowOf(page, window);
    const isLast = way === 'newer' && page.items.length === 0;
    if (way === 'older') showWindow(messages, { ...grown, previousCursor });
    else showWindow(messages, { ...grown, nextCursor, floor, ...(isLast ? { ceiling: Infinity } : {}) });
    changed.emit();
    return true;
  });
}

/** Back to the newest messages. */
export function closeWindow(session: Session): void {
  session.extend(({ view, changed }) => {
    showWindow(view.messages, undefined);
    changed.emit();
  });
}

/** Shows another stretch, or none; one that has reached the newest messages becomes one with them. */
function showWindow(messages: MessageList, window: Window | undefined): void {
  const newest = messages.extent?.floor ?? Infinity;
  const joins = window !== undefined && window.ceiling >= newest - 1;
  messages.window = joins ? undefined : window;
  if (joins && window.floor < newest) messages.extent = { floor: window.floor, nextCursor: window.nextCursor };
  messages.changed();
}

/** What a page makes of the stretch beside it. */
function windowOf(page: MessagesPage, beside: { floor: number; ceiling: number }): Window {
  const { floor, nextCursor } = extentOf(page, beside.floor);
  const ceiling = page.items.reduce((most, { seq }) => Math.max(most, seq), beside.ceiling);
  return { floor, nextCursor, ceiling, previousCursor: page.previousCursor };
}
