// @vitest-environment happy-dom
import { act, createElement, StrictMode, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MillraceProvider, useInbox, useMessages, usePresence, useSession, useTraces } from '../../../client/react/index.ts';
import { MillraceError } from '../../../client/error.ts';
import { Operator } from '../../../client/admin/index.ts';
import { OperatorProvider, usePoll } from '../../../client/react/admin.ts';
import { newRig } from './rig.ts';
import { newWorld, type World } from './world.ts';

/** longer than the client lingers */
const LINGERED_MS = 6_000;

/** what these tests use of the page: the other tests are compiled without a DOM */
type Shown = HTMLElement & { textContent: string; querySelector(selector: string): { click(): void } | null };
const page = globalThis as unknown as { document: { createElement(name: string): Shown } };

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

function Chat(): ReactNode {
  const { messages, hasOlder, send } = useMessages('s');
  const { status, session } = useSession('s');
  const shown = messages.map(({ text, state }) => `${text} ${state}`).join(', ');
  const button = createElement('button', { onClick: () => void send('from the button') }, 'send');
  return createElement('div', null, `${status}|${session?.title ?? ''}|${String(hasOlder)}|${shown}`, button);
}

const inside = (component: () => ReactNode): ReactNode =>
  createElement(MillraceProvider, { client: world.client }, createElement(component));

async function render(node: ReactNode): Promise<void> {
  await act(async () => root.render(node));
}

async function pass(ms: number): Promise<void> {
  await act(async () => world.pass(ms));
}

describe('the hooks', () => {
  it('show a session and its messages, live', async () => {
    world.other('message.send', { text: 'before' });
    await render(inside(Chat));
    expect(element.textContent).toContain('loading||false|');
    await pass(1_000);
    expect(element.textContent).toContain('live|A world|false|before sent');
    world.other('message.send', { text: 'after' });
    await pass(1_000);
    expect(element.textContent).toContain('before sent, after sent');
  });

  it('show a message at once as pending, and then as sent', async () => {
    await render(inside(Chat));
    await pass(1_000);
    await act(async () => element.querySelector('button')?.click());
    expect(element.textContent).toContain('from the button pending');
    await pass(1_000);
    expect(element.textContent).toContain('from the button sent');
    expect(element.textContent).not.toContain('pending');
  });

  it('open one socket under StrictMode, which mounts everything twice', async () => {
    await render(createElement(StrictMode, null, inside(Chat)));
    await pass(1_000);
    expect(world.machine.socketsOpened).toBe(1);
    expect(element.textContent).toContain('live|A world');
  });

  it('keep the socket over a fast remount, and let it go when nobody comes back', async () => {
    await render(inside(Chat));
    await pass(1_000);
    await render(null);
    await pass(1_000);
    await render(inside(Chat));
    expect(element.textContent, 'nothing is loaded anew').toContain('live|A world');
    await pass(LINGERED_MS);
    expect([world.machine.socketsOpened, world.machine.socketsAlive]).toEqual([1, 1]);
    await render(null);
    await pass(LINGERED_MS);
    expect(world.machine.socketsAlive).toBe(0);
  });

  it('render on a server without a connection', async () => {
    const html = renderToString(inside(Chat));
    expect(html).toContain('idle||false|');
    await pass(LINGERED_MS);
    expect(world.machine.socketsOpened).toBe(0);
  });

  it('show a thread, and send into it', async () => {
    world.other('message.send', { text: 'parent', id: 'parent' });
    world.other('message.send', { text: 'aside' });
    world.other('message.send', { text: 'reply', parentId: 'parent' });
    let answer = (): void => {};
    const Thread = (): ReactNode => {
      const { messages, send } = useMessages('s', { parentId: 'parent' });
      answer = () => void send('answer');
      return messages.map(({ text, state }) => `${text} ${state}`).join(', ');
    };
    await render(inside(Thread));
    await pass(1_000);
    expect(element.textContent).toBe('reply sent');
    await act(async () => answer());
    expect(element.textContent).toBe('reply sent, answer pending');
    await pass(1_000);
    expect(element.textContent).toBe('reply sent, answer sent');
    const [sent] = world.edge.session.messages().slice(-1);
    expect(sent?.parentId).toBe('parent');
  });

  it('render a component again only when its own part changed', async () => {
    let renders = 0;
    const Traces = (): ReactNode => {
      renders += 1;
      return String(useTraces('s').traces.length + usePresence('s').length);
    };
    await render(inside(Traces));
    await pass(1_000);
    const before = renders;
    world.other('message.send', { text: 'of no interest here' });
    await pass(1_000);
    expect(world.client.session('s').getSnapshot().messages).toHaveLength(1);
    expect(renders).toBe(before);
  });

  it('tell traces that could not be read from none', async () => {
    const load = vi.spyOn(world.client.session('s'), 'loadTraces');
    const refused = new MillraceError('unavailable', 'The store is away.', { status: 503 });
    load.mockRejectedValueOnce(refused);
    const Traces = (): ReactNode => {
      const { isLoaded, error } = useTraces('s');
      return `${String(isLoaded)} ${error?.message ?? ''}`;
    };
    await render(inside(Traces));
    expect(element.textContent).toBe('false ');
    await pass(1_000);
    expect(element.textContent).toBe('false The store is away.');
    load.mockResolvedValueOnce(undefined);
    await render(null);
    await render(inside(Traces));
    await pass(1_000);
    expect(element.textContent).toBe('true ');
  });

  it('hold the inbox open together with its socket', async () => {
    const Inbox = (): ReactNode => useInbox().status;
    await render(inside(Inbox));
    expect(element.textContent).toBe('polling');
    await render(null);
    await pass(LINGERED_MS);
    expect(world.client.inbox().getSnapshot().status).not.toBe('live');
  });

  it('say what is missing without a provider', () => {
    expect(() => renderToString(createElement(Chat))).toThrow('MillraceProvider');
  });
});

describe('usePoll', () => {
  it('shows the newest answer, and asks anew when its key changes', async () => {
    const rig = newRig();
    rig.answer = ({ path }) => ({ status: 200, body: { items: [], at: path } });
    const operator = new Operator(rig.options);
    const Log = ({ cursor }: { cursor: string }): ReactNode => {
      const { value, error } = usePoll(cursor, 1_000, async (each, signal) => await each.log({ cursor }, signal));
      return createElement('p', null, `${JSON.stringify(value)}|${error?.code ?? ''}`);
    };
    const show = async (cursor: string): Promise<void> => {
      await render(createElement(OperatorProvider, { operator }, createElement(Log, { cursor })));
      await act(async () => rig.pass(10));
    };
    await show('a');
    expect(element.textContent).toBe('{"items":[],"at":"/v1/admin/log?cursor=a"}|');
    await show('b');
    expect(element.textContent).toBe('{"items":[],"at":"/v1/admin/log?cursor=b"}|');
    const before = rig.requests.length;
    await act(async () => rig.pass(3_100));
    expect(rig.requests.length).toBe(before + 3);
    await render(null);
    await act(async () => rig.pass(10_000));
    expect(rig.requests.length).toBe(before + 3);
  });
});
