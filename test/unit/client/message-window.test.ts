import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeWindow, growWindow, isWindow, jumpTo, messageIn } from '../../../client/message-window.ts';
import type { Session } from '../../../client/index.ts';
import { newWorld, type World } from './world.ts';

const MESSAGES = 90;

let world: World;
let session: Session;

beforeEach(async () => {
  world = newWorld();
  for (let at = 1; at <= MESSAGES; at += 1) world.other('message.send', { text: String(at), id: `m${at}` });
  session = world.client.session('s');
  session.open();
  await world.pass(2_000);
});
afterEach(() => world.client.close());

const texts = (): number[] => session.getSnapshot().messages.map(({ text }) => Number(text));
const isRun = (numbers: readonly number[]): boolean => numbers.every((number, at) => number === (numbers[0] ?? 0) + at);

async function done<T>(work: Promise<T>): Promise<T> {
  // whoever awaits it hears of a failure: it comes while time passes, when nobody does yet
  work.catch(() => {});
  await world.pass(2_000);
  return work;
}

describe('a jump', () => {
  it('to a message that is here moves nothing', async () => {
    await done(jumpTo(session, `m${MESSAGES}`));
    expect(isWindow(session)).toBe(false);
    expect(texts().at(-1)).toBe(MESSAGES);
  });

  it('far back shows what is around it, kept up to date, and not what is said meanwhile', async () => {
    await done(jumpTo(session, 'm10'));
    expect(isWindow(session)).toBe(true);
    expect(texts()).toContain(10);
    expect(isRun(texts())).toBe(true);
    expect(texts()).not.toContain(MESSAGES);
    const before = texts();
    world.other('message.edit', { messageId: 'm10', text: '1000' });
    world.other('message.send', { text: '91', id: 'm91' });
    await world.pass(2_000);
    expect(messageIn(session, 'm10')?.text).toBe('1000');
    expect(texts()).toHaveLength(before.length);
  });

  it('to no message is refused, and leaves all as it was', async () => {
    const before = texts();
    await expect(done(jumpTo(session, 'nothing'))).rejects.toMatchObject({ code: 'message_not_found' });
    expect(texts()).toEqual(before);
  });

  it('is left for the newest', async () => {
    const before = texts();
    await done(jumpTo(session, 'm10'));
    closeWindow(session);
    expect(isWindow(session)).toBe(false);
    expect(texts()).toEqual(before);
  });

  it('grows both ways without a gap, and ends where it meets the newest', async () => {
    await done(jumpTo(session, 'm30'));
    while (isWindow(session)) {
      expect(isRun(texts())).toBe(true);
      expect(await done(growWindow(session, 'newer'))).toBe(true);
    }
    expect(texts().at(-1)).toBe(MESSAGES);
    expect(isRun(texts())).toBe(true);
    while (session.getSnapshot().hasOlder) await done(session.loadOlder());
    expect(texts()).toEqual(Array.from({ length: MESSAGES }, (_, at) => at + 1));
  });

  it('grows to the first message, and says that there is no more', async () => {
    await done(jumpTo(session, 'm30'));
    while (session.getSnapshot().hasOlder) await done(growWindow(session, 'older'));
    expect(texts()[0]).toBe(1);
    expect(await done(growWindow(session, 'older'))).toBe(false);
  });
});
