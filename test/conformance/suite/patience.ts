import { describe, expect, test, type TestContext } from 'vitest';
import { eventually } from '../eventually.ts';
import { pathOf } from '../routes.ts';
import { Scene, type World } from '../scene.ts';
import { Connection, ticketOf } from '../socket.ts';

/** of the contract §4: 30 s at the end of the window, and 3 heartbeats of 30 s without a sign of life */
const WINDOW_FULL_S = 30;
const SILENCE_S = 90;
const LONG_TEXT = '🦉'.repeat(50_000);
/** local edges keep the connection of a socket for a while after they have closed it */
const LINGERING_S = 20;

/** How long a socket may be slow or silent. */
export function patienceSuite(world: World): void {
  const make = async (onTestFinished: TestContext['onTestFinished']): Promise<Scene> => {
    const scene = await Scene.make(world);
    onTestFinished(() => scene.end());
    return scene;
  };

  describe('patience', () => {
    test(
      'with who never says `received`: full at the window, and closed 4408 half a minute later',
      { timeout: 120_000 },
      async ({ onTestFinished }) => {
        const scene = await make(onTestFinished);
        const slow = await scene.socket('viewer');
        const { window } = slow.welcome;
        const messages = Math.ceil(window.bytes / (LONG_TEXT.length * 2)) + 2;
        for (let at = 0; at < messages; at += 1) await scene.message('member', { text: LONG_TEXT });
        const head = (await scene.head()) ?? 0;
        await eventually('all that fits', () => slow.events.length > messages / 2);
        const fullMs = Date.now();
        const heartbeat = setInterval(() => slow.closeCode ?? slow.send('ping'), 10_000);
        onTestFinished(() => clearInterval(heartbeat));
        expect(await slow.closed((WINDOW_FULL_S + LINGERING_S) * 1_000)).toBe(4408);
        expect(Date.now() - fullMs).toBeGreaterThan((WINDOW_FULL_S - 5) * 1_000);
        const last = slow.events.at(-1)?.seq ?? 0;
        expect(last, 'more than the window was not sent').toBeLessThan(head);
        // its last seq is where it goes on
        const again = await scene.socket('viewer', { after: last, epoch: slow.welcome.epoch });
        await again.seen(head);
        expect(again.events[0]?.seq).toBe(last + 1);
      },
    );

    test(
      'with who is silent for three heartbeats: closed 1012, and who pings stays',
      { timeout: 240_000 },
      async ({ onTestFinished }) => {
        const scene = await make(onTestFinished);
        const inboxOf = async (): Promise<Connection> => {
          const who = scene.people.viewer;
          return Connection.to(world.target.url, '/v1/inbox/socket', { ticket: await ticketOf(world.target, who, '/v1/inbox') });
        };
        const [silent, pinging, inbox] = [await scene.socket('viewer'), await scene.socket('viewer'), await inboxOf()];
        // one sign of life: a local edge that never heard of a client keeps its connection for long after it closed the socket
        for (const socket of [silent, pinging, inbox]) socket.send('ping');
        const heartbeat = setInterval(() => pinging.send('ping'), 15_000);
        onTestFinished(() => clearInterval(heartbeat));
        await new Promise((resolve) => setTimeout(resolve, SILENCE_S * 1_000));
        // it may be closed from now on: somebody who does something here makes the server look
        const look = async (): Promise<boolean> => {
          await scene.message();
          const another = await inboxOf();
          another.send('ping');
          await another.close();
          return silent.closeCode !== undefined && inbox.closeCode !== undefined;
        };
        await eventually('both are closed', look, 90_000, 2_000);
        expect([silent.closeCode, inbox.closeCode, pinging.closeCode]).toEqual([1012, 1012, undefined]);
        const { status } = await fetch(`${world.target.url}${pathOf(scene.sessionId)}`, {
          headers: { Authorization: `Bearer ${scene.people.viewer.token}` },
        });
        expect(status, 'it may come back').toBe(200);
      },
    );
  });
}
