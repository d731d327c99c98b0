import { expect } from 'vitest';
import { ended, rights, type Case } from '../cases.ts';
import type { Data } from '../routes.ts';
import { memberPage } from '../schemas.ts';
import type { Scene } from '../scene.ts';

const putStranger = (scene: Scene): Data => ({ userId: scene.id('stranger'), role: 'viewer' });
const secondOwner = async (scene: Scene): Promise<void> => {
  await scene.act('owner', 'member.put', { userId: scene.id('other'), role: 'owner' });
};

const put: Case[] = [
  {
    command: 'member.put',
    title: 'of one who is none',
    given: (scene) => ({ userId: scene.id('stranger'), role: 'member' }),
    expects: 'member.added',
    data: (_scene, given) => given,
    entity: (scene) => scene.id('stranger'),
    after: async (scene, { seq }) => {
      const { items } = await scene.read('stranger', '/members?limit=100', memberPage);
      const added = items.find(({ user }) => user.id === scene.id('stranger'));
      expect(added).toMatchObject({ role: 'member', joinedAt: (await scene.eventAt(seq)).time });
    },
  },
  {
    command: 'member.put',
    title: 'to another role',
    given: (scene) => ({ userId: scene.id('viewer'), role: 'owner' }),
    expects: 'member.updated',
    data: (_scene, given) => given,
  },
  {
    command: 'member.put',
    title: 'to the same role',
    given: (s) => ({ userId: s.id('member'), role: 'member' }),
    expects: 'unchanged',
  },
  {
    command: 'member.put',
    title: 'of one who was removed',
    given: async (scene) => {
      await scene.act('owner', 'member.remove', { userId: scene.id('member') });
      return { userId: scene.id('member'), role: 'viewer' };
    },
    expects: 'member.added',
  },
  {
    command: 'member.put',
    title: 'that demotes the last owner',
    given: (scene) => ({ userId: scene.id('owner'), role: 'member' }),
    expects: 'last_owner',
  },
  {
    command: 'member.put',
    title: 'that demotes one of two owners',
    given: async (scene) => {
      await secondOwner(scene);
      return { userId: scene.id('owner'), role: 'viewer' };
    },
    expects: 'member.updated',
  },
  ...(['member', 'viewer'] as const).map((role): Case => ({
    command: 'member.put',
    title: `by a stranger, of themselves, as ${role} of a public session`,
    as: 'stranger',
    visibility: 'public',
    given: (scene) => ({ userId: scene.id('stranger'), role }),
    expects: 'member.added',
  })),
  {
    command: 'member.put',
    title: 'by a stranger, of themselves, as owner of a public session',
    as: 'stranger',
    visibility: 'public',
    given: (scene) => ({ userId: scene.id('stranger'), role: 'owner' }),
    expects: 'forbidden',
  },
  {
    command: 'member.put',
    title: 'by a stranger, of themselves, in a private session',
    as: 'stranger',
    given: (scene) => ({ userId: scene.id('stranger'), role: 'member' }),
    expects: 'session_not_found',
  },
  {
    command: 'member.put',
    title: 'by a viewer, of themselves, as member of a private session',
    as: 'viewer',
    given: (scene) => ({ userId: scene.id('viewer'), role: 'member' }),
    expects: 'forbidden',
  },
  ...rights('member.put', ['owner'], 'member.updated', (scene) => ({ userId: scene.id('other'), role: 'viewer' })),
  ...ended('member.put', 'session_archived', putStranger),
];

const remove: Case[] = [
  {
    command: 'member.remove',
    title: 'of a member',
    given: (scene) => ({ userId: scene.id('member') }),
    expects: 'member.removed',
    data: (scene) => ({ userId: scene.id('member'), role: 'member' }),
    entity: (scene) => scene.id('member'),
    after: async (scene) => {
      const { items } = await scene.read('owner', '/members?limit=100', memberPage);
      expect(items.map(({ user }) => user.id)).not.toContain(scene.id('member'));
    },
  },
  ...(['member', 'viewer', 'agent'] as const).map((as): Case => ({
    command: 'member.remove',
    title: `of oneself, as ${as}`,
    as,
    given: (scene) => ({ userId: scene.id(as) }),
    expects: 'member.removed',
    data: (scene) => ({ userId: scene.id(as) }),
  })),
  { command: 'member.remove', title: 'of no member', given: (s) => ({ userId: s.id('stranger') }), expects: 'member_not_found' },
  { command: 'member.remove', title: 'of the last owner', given: (s) => ({ userId: s.id('owner') }), expects: 'last_owner' },
  {
    command: 'member.remove',
    title: 'of one of two owners',
    given: async (scene) => {
      await secondOwner(scene);
      return { userId: scene.id('other') };
    },
    expects: 'member.removed',
  },
  ...rights('member.remove', ['owner'], 'member.removed', (scene) => ({ userId: scene.id('other') })),
  ...ended('member.remove', 'member.removed', (scene) => ({ userId: scene.id('other') })),
];

export const MEMBER_CASES: readonly Case[] = [...put, ...remove];
