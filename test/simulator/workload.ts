import type { CommandName } from '../../shared/core/types.ts';
import type { World } from './world.ts';

export interface Wanted {
  name: CommandName;
  data: object;
}

/** What one session looks like to those who act in it: enough to want something that makes sense. */
export interface Scene {
  messages: { id: string; author: string }[];
  traces: string[];
  /** running, with the chunks that were sent */
  streams: { id: string; starter: string; chunks: number }[];
  archived: boolean;
  /** somebody deletes it before the end */
  isDoomed: boolean;
  deleted: boolean;
}

/** there are only so many that are talked about, so that edits of one meet each other */
const TALKED_ABOUT = 12;
/** a session that is to be deleted has something to lose by then */
const DOOMED_MESSAGES = 25;
const EMOJIS = ['👍', '🎉', '❤️'] as const;
const GUESTS = ['gus', 'gia'] as const;

/** Draws the next command of a user. Texts are all different, so that one that is there twice is seen. */
export function nextCommand(world: World, scene: Scene, userId: string, isOwner: boolean): Wanted {
  const text = `${userId} says ${world.newId()}`;
  const send: Wanted = {
    name: 'message.send',
    data: { text, ...(world.chance(0.2) ? { metadata: { n: world.between(1, 9) } } : {}) },
  };
  if (scene.isDoomed && isOwner && scene.messages.length > DOOMED_MESSAGES && world.chance(0.2))
    return { name: 'session.delete', data: {} };
  if (scene.archived && isOwner && world.chance(0.5)) return { name: 'session.restore', data: {} };
  const message = world.pick(scene.messages.slice(-TALKED_ABOUT));
  const own = world.pick(scene.messages.slice(-TALKED_ABOUT).filter(({ author }) => author === userId));
  const roll = world.random();
  if (roll < 0.45 || message === undefined) return withParent(world, send, message?.id);
  if (roll < 0.66 && own !== undefined) return { name: 'message.edit', data: { messageId: own.id, text } };
  if (roll < 0.7 && own !== undefined) return { name: 'message.delete', data: { messageId: own.id } };
  if (roll < 0.84) {
    const data = { messageId: message.id, emoji: world.pick(EMOJIS) };
    return { name: world.chance(0.6) ? 'reaction.add' : 'reaction.remove', data };
  }
  if (roll < 0.86) return streamCommand(world, scene, userId, text);
  if (roll < 0.9) return traceCommand(world, scene, isOwner);
  if (roll < 0.92) return { name: 'read.advance', data: { seq: world.between(0, 50) } };
  if (!isOwner) return send;
  if (roll < 0.95) return { name: 'session.update', data: { title: `title ${world.newId()}` } };
  if (roll < 0.98) return guestCommand(world);
  return { name: world.chance(0.6) ? 'session.archive' : 'session.restore', data: {} };
}

function withParent(world: World, send: Wanted, parentId: string | undefined): Wanted {
  return parentId !== undefined && world.chance(0.2) ? { ...send, data: { ...send.data, parentId } } : send;
}

function guestCommand(world: World): Wanted {
  const userId = world.pick(GUESTS);
  if (world.chance(0.4)) return { name: 'member.remove', data: { userId } };
  return { name: 'member.put', data: { userId, role: world.pick(['member', 'viewer', 'owner']) } };
}

/** A message that is said bit by bit. Its end brings the whole text: what a crash takes of the chunks is no promise. */
function streamCommand(world: World, scene: Scene, userId: string, text: string): Wanted {
  const running = world.pick(scene.streams.filter(({ starter }) => starter === userId));
  if (running === undefined || world.chance(0.1)) return { name: 'stream.start', data: {} };
  const { id: messageId } = running;
  if (world.chance(0.3)) return { name: 'stream.cancel', data: { messageId } };
  if (world.chance(0.4)) return { name: 'stream.finish', data: { messageId, status: 'completed', text } };
  running.chunks += 1;
  return { name: 'stream.append', data: { messageId, index: running.chunks - 1, text } };
}

function traceCommand(world: World, scene: Scene, isOwner: boolean): Wanted {
  const traceId = world.pick(scene.traces.slice(-3));
  if (traceId === undefined || world.chance(0.2)) return { name: 'trace.start', data: { name: `trace ${world.newId()}` } };
  if (isOwner && world.chance(0.1)) return { name: 'trace.purge', data: { traceId } };
  if (world.chance(0.1)) return { name: 'trace.finish', data: { traceId, status: 'completed' } };
  const spanId = `span-${world.between(1, 4)}`;
  return {
    name: 'trace.append',
    data: { traceId, spanId, name: `part ${world.newId()}`, startedAt: '2026-01-01T00:00:00.000Z' },
  };
}
