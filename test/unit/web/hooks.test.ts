// @vitest-environment happy-dom
import { act, createElement, useRef, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeWindow, isWindow } from '../../../client/message-window.ts';
import { focusRowOf } from '../../../web/chat/focus-row.ts';
import { SessionContext, type OpenSession } from '../../../web/chat/session-context.ts';
import type { Row } from '../../../web/chat/rows.ts';
import { useActiveRow } from '../../../web/chat/use-active-row.ts';
import { useFocusBack } from '../../../web/chat/use-focus-back.ts';
import { useJump } from '../../../web/chat/use-jump.ts';
import { useMessage } from '../../../web/chat/use-message.ts';
import { newWorld, type World } from '../client/world.ts';

/** more than a first page has */
const MESSAGES = 300;
const NOTHING_VIRTUAL = { current: null };

/** what these tests use of the page: the other tests are compiled without a DOM */
interface Shown {
  textContent: string;
  dataset: Record<string, string>;
  id: string;
  querySelector(selector: string): { focus(): void } | null;
  dispatchEvent(event: object): void;
  remove(): void;
}
const page = globalThis as unknown as {
  document: { createElement(name: string): Shown; body: { append(child: Shown): void }; activeElement: Shown };
  KeyboardEvent: new (type: string, init: { key: string; bubbles: boolean }) => object;
};

let world: World;
let root: Root;
let element: Shown;

beforeEach(() => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  world = newWorld();
  element = page.document.createElement('div');
  root = createRoot(element);
});

afterEach(() => {
  act(() => root.unmount());
  world.client.close();
});

async function pass(ms: number): Promise<void> {
  await act(async () => world.pass(ms));
}

/** A session that is held open, as a page does it. */
async function opened() {
  const handle = world.client.session('s');
  handle.open();
  await pass(1_000);
  return handle;
}

describe('a jump to a message that the address names', () => {
  const Jumps = (): ReactNode => String(useJump('first').turn);

  async function show(handle: OpenSession['handle'], isLive: boolean): Promise<void> {
    const value = { handle, isLive } as OpenSession;
    await act(async () => root.render(createElement(SessionContext, { value }, createElement(Jumps))));
    await pass(1_000);
  }

  it('is made once, and not again when a connection that was lost comes back', async () => {
    world.other('message.send', { id: 'first', text: 'first' });
    for (let at = 1; at < MESSAGES; at += 1) world.other('message.send', { text: String(at) });
    const handle = await opened();
    await show(handle, true);
    expect([element.textContent, isWindow(handle)]).toEqual(['1', true]);
    closeWindow(handle);
    await show(handle, false);
    await show(handle, true);
    expect([element.textContent, isWindow(handle)]).toEqual(['1', false]);
  });
});

describe('a message that is quoted', () => {
  it('is shown as it is now, though nobody above it is shown anew', async () => {
    world.other('message.send', { id: 'quoted', text: 'what was said' });
    const handle = await opened();
    const Quote = (): ReactNode => useMessage(handle, 'quoted')?.text;
    await act(async () => root.render(createElement(Quote)));
    expect(element.textContent).toBe('what was said');
    world.other('message.delete', { messageId: 'quoted' });
    await pass(1_000);
    expect(element.textContent).toBe('');
  });
});

it('a field that goes away leaves focus at its message', async () => {
  page.document.body.append(element);
  const row = createElement('article', { 'data-index': 7, tabIndex: -1 }, createElement('textarea'));
  await act(async () => root.render(row));
  const focused = (): string | undefined => page.document.activeElement.dataset['index'];
  expect(focused()).toBeUndefined();
  focusRowOf(element.querySelector('textarea'));
  expect(focused()).toBe('7');
  element.remove();
});

describe('focus inside of what closes', () => {
  const Beside = (): ReactNode => createElement('aside', { ref: useFocusBack() }, createElement('textarea'));

  it.each([
    ['goes back to what it was opened from', 'textarea', 'opener'],
    ['stays where it is, when that is elsewhere', 'input', 'elsewhere'],
  ])('%s', async (_what, focused, expected) => {
    page.document.body.append(element);
    const around = (beside: ReactNode): ReactNode =>
      createElement('div', null, [
        createElement('button', { key: 1, id: 'opener' }),
        createElement('input', { key: 2, id: 'elsewhere' }),
        createElement('section', { key: 3 }, beside),
      ]);
    await act(async () => root.render(around(null)));
    element.querySelector('button')?.focus();
    await act(async () => root.render(around(createElement(Beside))));
    element.querySelector(focused)?.focus();
    await act(async () => root.render(around(null)));
    expect(page.document.activeElement.id).toBe(expected);
    element.remove();
  });
});

it('arrows go from row to row also where all rows are in the page, as in a thread', async () => {
  page.document.body.append(element);
  const rows = ['a', 'b', 'c'].map((key): Row => ({ key, day: undefined, isFirstNew: false, compact: false }));
  const Rows = (): ReactNode => {
    const scroller = useRef(null);
    const active = useActiveRow(rows, scroller, NOTHING_VIRTUAL);
    const articles = rows.map(({ key }, index) => createElement('article', { key, 'data-index': index, tabIndex: -1 }));
    return createElement('div', { ref: scroller, onKeyDown: active.onKeyDown }, articles);
  };
  await act(async () => root.render(createElement(Rows)));
  element.querySelector('article:last-child')?.focus();
  const focused: (string | undefined)[] = [];
  for (const key of ['ArrowUp', 'ArrowUp', 'End', 'Home']) {
    await act(async () => page.document.activeElement.dispatchEvent(new page.KeyboardEvent('keydown', { key, bubbles: true })));
    focused.push(page.document.activeElement.dataset['index']);
  }
  expect(focused).toEqual(['1', '0', '2', '0']);
  element.remove();
});
