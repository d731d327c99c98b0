import { expect } from 'vitest';
import { ended, rights, type Case } from '../cases.ts';
import { ask } from '../http.ts';
import { commandStatus, session } from '../schemas.ts';

const id = (): string => crypto.randomUUID();

const create: Case[] = [
  {
    command: 'session.create',
    title: 'with an id and a title',
    given: () => ({ id: id(), title: 'Anyone may' }),
    expects: 'session.created',
    data: (scene) => ({
      title: 'Anyone may',
      visibility: 'private',
      metadata: {},
      members: [{ userId: scene.id('owner'), role: 'owner' }],
    }),
  },
  {
    command: 'session.create',
    title: 'with everything',
    given: (scene) => ({
      id: id(),
      title: 'T'.repeat(200),
      description: 'what it is about',
      visibility: 'public',
      members: [
        { userId: scene.id('member'), role: 'member' },
        { userId: scene.id('viewer'), role: 'viewer' },
        { userId: scene.id('other'), role: 'owner' },
      ],
      metadata: { a: [1, { b: null }] },
    }),
    expects: 'session.created',
    data: (scene, given) => ({
      title: given['title'],
      description: given['description'],
      visibility: 'public',
      metadata: given['metadata'],
      members: expect.arrayContaining([
        { userId: scene.id('owner'), role: 'owner' },
        { userId: scene.id('other'), role: 'owner' },
        { userId: scene.id('member'), role: 'member' },
        { userId: scene.id('viewer'), role: 'viewer' },
      ]) as unknown,
    }),
    entity: (_scene, given) => given['id'],
    after: async (scene, result) => {
      expect(result.seq).toBe(1);
      const token = scene.people.other.token;
      const { body } = await ask(scene.target.url, 'GET', `/v1/sessions/${result.sessionId}`, { token });
      expect(session.parse(body)).toMatchObject({
        memberCount: 4,
        role: 'owner',
        visibility: 'public',
        status: 'active',
        head: 1,
      });
    },
  },
  { command: 'session.create', title: 'whose id exists', given: (s) => ({ id: s.sessionId, title: 'T' }), expects: 'conflict' },
  {
    command: 'session.create',
    title: 'whose id a stranger took',
    as: 'stranger',
    given: (scene) => ({ id: scene.sessionId, title: 'T' }),
    expects: 'conflict',
  },
  {
    command: 'session.create',
    title: 'whose id was deleted',
    given: async (scene) => {
      await scene.act('owner', 'session.delete');
      return { id: scene.sessionId, title: 'T' };
    },
    expects: 'conflict',
  },
];

const update: Case[] = [
  {
    command: 'session.update',
    title: 'of everything',
    given: () => ({ title: 'New', description: 'also new', metadata: { n: 1 } }),
    expects: 'session.updated',
    data: () => ({ title: 'New', description: 'also new', visibility: 'private', metadata: { n: 1 } }),
    after: async (scene) => {
      expect(await scene.read('owner', '', session)).toMatchObject({ title: 'New', description: 'also new', metadata: { n: 1 } });
    },
  },
  {
    command: 'session.update',
    title: 'of the title alone',
    given: async (scene) => {
      await scene.act('owner', 'session.update', { description: 'kept', metadata: { kept: true } });
      return { title: 'Only this' };
    },
    expects: 'session.updated',
    data: () => ({ title: 'Only this', description: 'kept', metadata: { kept: true } }),
  },
  { command: 'session.update', title: 'to what it is', given: () => ({ title: 'A scene' }), expects: 'unchanged' },
  ...rights('session.update', ['owner'], 'session.updated', () => ({ title: 'New' })),
  ...ended('session.update', 'session_archived', () => ({ title: 'New' })),
];

const archive: Case[] = [
  {
    command: 'session.archive',
    title: 'of an active one',
    expects: 'session.archived',
    data: () => ({}),
    after: async (scene) => {
      expect(await scene.read('viewer', '', session)).toMatchObject({ status: 'archived', role: 'viewer' });
    },
  },
  ...rights('session.archive', ['owner'], 'session.archived'),
  ...ended('session.archive', 'unchanged'),
  {
    command: 'session.restore',
    title: 'of an archived one',
    given: async (scene) => {
      await scene.act('owner', 'session.archive');
      return {};
    },
    expects: 'session.restored',
    data: () => ({}),
    after: async (scene) => {
      expect(await scene.read('member', '', session)).toMatchObject({ status: 'active' });
      await scene.message('member');
    },
  },
  { command: 'session.restore', title: 'of an active one', expects: 'unchanged' },
  ...rights('session.restore', ['owner'], 'unchanged'),
  ...ended('session.restore', 'session.restored'),
];

const remove: Case[] = [
  {
    command: 'session.delete',
    title: 'and then it is gone to all',
    given: async (scene) => {
      await scene.message('member');
      return {};
    },
    expects: 'session.deleted',
    after: async (scene, { commandId }) => {
      for (const role of ['owner', 'member', 'stranger'] as const) {
        for (const path of ['', '/messages', '/events', '/members', '/presence', '/traces']) {
          const answer = await ask(scene.target.url, 'GET', scene.path + path, { token: scene.people[role].token });
          expect([answer.status, answer.body]).toMatchObject([404, { code: 'session_not_found' }]);
        }
      }
      const status = await ask(scene.target.url, 'GET', `${scene.path}/commands/${commandId}`, {
        token: scene.people.owner.token,
      });
      expect(commandStatus.parse(status.body)).toMatchObject({ type: 'session.delete' });
      const member = await ask(scene.target.url, 'GET', `${scene.path}/commands/${commandId}`, {
        token: scene.people.member.token,
      });
      expect(member.status).toBe(404);
    },
  },
  ...rights('session.delete', ['owner'], 'session.deleted'),
  ...ended('session.delete', 'session.deleted'),
];

export const SESSION_CASES: readonly Case[] = [...create, ...update, ...archive, ...remove];
