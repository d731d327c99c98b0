import { expect } from 'vitest';
import { ended, rights, type Case } from '../cases.ts';
import type { Data } from '../routes.ts';
import { memberPage, message } from '../schemas.ts';
import type { RoleName, Scene } from '../scene.ts';

const EMOJI = '👍';
const family = '👩‍👩‍👧‍👦';

const onMessage = async (scene: Scene, emoji = EMOJI): Promise<Data> => ({ messageId: await scene.message('other'), emoji });
const reacted = async (scene: Scene, as: RoleName = 'member'): Promise<Data> => {
  const data = await onMessage(scene);
  await scene.act(as, 'reaction.add', data);
  return data;
};
const onDeleted = async (scene: Scene): Promise<Data> => {
  const data = await onMessage(scene);
  await scene.act('other', 'message.delete', { messageId: data['messageId'] });
  return data;
};
const unknown = (): Data => ({ messageId: crypto.randomUUID(), emoji: EMOJI });

async function expectReaction(scene: Scene, given: Data, emoji: string): Promise<void> {
  const path = `/messages/${String(given['messageId'])}`;
  const reaction = { emoji, count: 1, userIds: [scene.id('member')] };
  expect((await scene.read('member', path, message)).reactions).toEqual([{ ...reaction, mine: true }]);
  expect((await scene.read('viewer', path, message)).reactions).toEqual([{ ...reaction, mine: false }]);
}

async function expectRead(scene: Scene, as: RoleName, readSeq: number): Promise<void> {
  const { items } = await scene.read('agent', '/members?limit=100', memberPage);
  expect(items.find(({ user }) => user.id === scene.id(as))).toMatchObject({ readSeq });
}

const add: Case[] = [
  ...[EMOJI, family, ':party_parrot:', '❤️', '🇨🇭', '1️⃣'].map((emoji): Case => ({
    command: 'reaction.add',
    title: `of ${emoji}`,
    as: 'member',
    given: (scene) => onMessage(scene, emoji),
    expects: 'reaction.added',
    data: (scene, given) => ({ messageId: given['messageId'], messageSeq: 2, emoji, userId: scene.id('member') }),
    after: (scene, _result, given) => expectReaction(scene, given, emoji),
  })),
  { command: 'reaction.add', title: 'that is there', as: 'member', given: (scene) => reacted(scene), expects: 'unchanged' },
  {
    command: 'reaction.add',
    title: 'that another has made',
    as: 'member',
    given: (scene) => reacted(scene, 'owner'),
    expects: 'reaction.added',
    after: async (scene, _result, given) => {
      const { reactions } = await scene.read('agent', `/messages/${String(given['messageId'])}`, message);
      expect(reactions).toMatchObject([{ emoji: EMOJI, count: 2, mine: false }]);
      expect(reactions[0]?.userIds.toSorted()).toEqual([scene.id('member'), scene.id('owner')].toSorted());
    },
  },
  { command: 'reaction.add', title: 'to a deleted message', as: 'member', given: onDeleted, expects: 'message_not_found' },
  { command: 'reaction.add', title: 'to no message', as: 'member', given: unknown, expects: 'message_not_found' },
  ...rights('reaction.add', ['owner', 'member', 'agent'], 'reaction.added', (scene) => onMessage(scene)),
  ...ended('reaction.add', 'session_archived', (scene) => onMessage(scene)),
];

const remove: Case[] = [
  {
    command: 'reaction.remove',
    title: 'of one’s own',
    as: 'member',
    given: (scene) => reacted(scene),
    expects: 'reaction.removed',
    data: (scene, given) => ({ ...given, messageSeq: 2, userId: scene.id('member') }),
    after: async (scene, _result, given) => {
      expect((await scene.read('member', `/messages/${String(given['messageId'])}`, message)).reactions).toEqual([]);
    },
  },
  { command: 'reaction.remove', title: 'of none', as: 'member', given: (scene) => onMessage(scene), expects: 'unchanged' },
  {
    command: 'reaction.remove',
    title: 'of what another made',
    as: 'member',
    given: (scene) => reacted(scene, 'owner'),
    expects: 'unchanged',
  },
  { command: 'reaction.remove', title: 'from no message', as: 'member', given: unknown, expects: 'message_not_found' },
  ...rights('reaction.remove', ['owner', 'member', 'agent'], 'unchanged', (scene) => onMessage(scene)),
  ...ended('reaction.remove', 'session_archived', (scene) => reacted(scene, 'owner')),
];

const readTo = async (scene: Scene, seq?: number): Promise<Data> => {
  await scene.message('other');
  return { seq: seq ?? 2 };
};

const read: Case[] = [
  ...(['member', 'viewer', 'owner'] as const).map((as): Case => ({
    command: 'read.advance',
    title: `by ${as}`,
    as,
    given: (scene) => readTo(scene),
    expects: 'quiet',
    after: (scene) => expectRead(scene, as, 2),
  })),
  {
    command: 'read.advance',
    title: 'back',
    as: 'viewer',
    given: async (scene) => {
      await readTo(scene);
      await scene.act('viewer', 'read.advance', { seq: 2 });
      return { seq: 1 };
    },
    expects: 'unchanged',
    after: (scene) => expectRead(scene, 'viewer', 2),
  },
  ...rights('read.advance', ['owner', 'member', 'agent', 'viewer'], 'quiet', (scene) => readTo(scene)),
  ...ended('read.advance', 'quiet', (scene) => readTo(scene), 'member'),
];

export const REACTION_CASES: readonly Case[] = [...add, ...remove];
export const READ_CASES: readonly Case[] = read;
