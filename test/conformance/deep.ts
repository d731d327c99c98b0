import { eventually } from './eventually.ts';
import { eventPage, messagePage, type Message, type WireEvent } from './schemas.ts';
import { Scene, type World } from './scene.ts';

/** more than the tail of 1,000 events that is always kept, and what a session lets pile up before it trims */
export const DEEP_MESSAGES = 1_600;
const TRIMMED_WITHIN_MS = 240_000;
/** a look at the tail costs a socket */
const TRIM_LOOK_EVERY_MS = 2_000;
const SENDERS = ['owner', 'member', 'other', 'agent'] as const;
const PER_SENDER_AT_ONCE = 6;
const PAGES_MAX = 100;

export interface Deep {
  scene: Scene;
  kept: string;
  gone: string;
}

/** A session whose beginning only the store has. Resolves once the tail no longer holds it. */
export async function makeDeep(world: World): Promise<Deep> {
  const scene = await Scene.make(world);
  const kept = await scene.message('member', { text: 'the first' });
  const gone = await scene.message('member', { text: 'a secret' });
  await scene.act('member', 'message.edit', { messageId: kept, text: 'the first, edited' });
  const numbers = Array.from({ length: DEEP_MESSAGES }, (_, at) => at).values();
  const lane = async (as: (typeof SENDERS)[number]): Promise<void> => {
    for (const at of numbers) await patiently(() => scene.message(as, { text: `deep ${at}` }));
  };
  await Promise.all(SENDERS.flatMap((as) => Array.from({ length: PER_SENDER_AT_ONCE }, () => lane(as))));
  await eventually('the tail is trimmed', () => startsLater(scene), TRIMMED_WITHIN_MS, TRIM_LOOK_EVERY_MS);
  await scene.act('member', 'message.delete', { messageId: gone });
  return { scene, kept, gone };
}

async function startsLater(scene: Scene): Promise<boolean> {
  const socket = await scene.socket('viewer', { after: 0, by: 'bearer' });
  const { recovered } = socket.welcome;
  await socket.close();
  return !recovered;
}

/** Comes again where it is told to. */
async function patiently(send: () => Promise<unknown>): Promise<void> {
  await eventually('the command is within the limits', async () => {
    try {
      await send();
      return true;
    } catch (error) {
      if (error instanceof Error && error.message.includes('rate_limited')) return false;
      throw error;
    }
  });
}

/** Every event from the first, page by page. */
export async function allEvents(scene: Scene): Promise<WireEvent[]> {
  const events: WireEvent[] = [];
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await scene.read('viewer', `/events?limit=1000&after=${events.length}`, eventPage);
    events.push(...page.items);
    if (events.length >= page.head) return events;
  }
  throw new Error(`${events.length} events after ${PAGES_MAX} pages`);
}

/** Every message, newest first. */
export async function allMessages(scene: Scene): Promise<Message[]> {
  const messages: Message[] = [];
  let before = '';
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await scene.read('viewer', `/messages?limit=100${before}`, messagePage);
    messages.push(...page.items);
    if (page.nextCursor === undefined) return messages;
    before = `&before=${encodeURIComponent(page.nextCursor)}`;
  }
  throw new Error(`${messages.length} messages after ${PAGES_MAX} pages`);
}
