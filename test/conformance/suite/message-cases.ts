import { expect } from 'vitest';
import { ended, rights, type Case } from '../cases.ts';
import type { Data } from '../routes.ts';
import { message } from '../schemas.ts';
import type { Scene } from '../scene.ts';

const text = (): Data => ({ text: 'a text' });
const newId = (): string => crypto.randomUUID();
const own = async (scene: Scene, more: Data = {}): Promise<Data> => ({ messageId: await scene.message('member'), ...more });
const deleted = async (scene: Scene): Promise<string> => {
  const messageId = await scene.message('member');
  await scene.act('member', 'message.delete', { messageId });
  return messageId;
};
const unknown =
  (more: Data = {}) =>
  (): Data => ({ messageId: newId(), ...more });

const ODD_TEXT = '  kept\u0000exactly\r\n<b>&amp;</b> \u202e \uFEFF 🙂 e\u0301 \u2028 ';

const send: Case[] = [
  {
    command: 'message.send',
    title: 'with a text alone',
    as: 'member',
    given: () => ({ text: ODD_TEXT }),
    expects: 'message.created',
    data: () => ({ text: ODD_TEXT, ordinal: 1, status: 'completed', role: 'user', mentions: [], metadata: {} }),
    after: async (scene, { entityId, seq }) => {
      const read = await scene.read('viewer', `/messages/${entityId}`, message);
      expect(read).toMatchObject({
        id: entityId,
        seq,
        text: ODD_TEXT,
        author: { id: scene.id('member'), kind: 'user' },
        replyCount: 0,
      });
      expect(read.createdAt).toBe((await scene.eventAt(seq)).time);
      for (const absent of ['parentId', 'editedAt', 'deletedAt', 'toolCallId', 'name']) expect(read).not.toHaveProperty(absent);
    },
  },
  {
    command: 'message.send',
    title: 'of an agent, with everything',
    as: 'agent',
    given: async (scene) => ({
      id: newId(),
      text: 'x',
      parentId: await scene.message(),
      role: 'tool',
      name: 'calculator',
      toolCallId: 'call_1',
      mentions: [scene.id('member'), scene.id('owner')],
      metadata: { deep: { list: [1, 'two'] } },
    }),
    expects: 'message.created',
    data: (_scene, given) => ({ ...given, ordinal: 2, status: 'completed' }),
    entity: (_scene, given) => given['id'],
    after: async (scene, { entityId }, given) => {
      const read = await scene.read('member', `/messages/${entityId}`, message);
      const author = { id: scene.id('agent'), name: 'An agent', kind: 'agent' };
      expect(read).toMatchObject({ ...given, author, sessionId: scene.sessionId, status: 'completed' });
    },
  },
  ...(['assistant', 'system', 'tool'] as const).map((role): Case => ({
    command: 'message.send',
    title: `with role ${role} by a user`,
    as: 'member',
    given: () => ({ text: 'x', role }),
    expects: 'forbidden',
  })),
  { command: 'message.send', title: 'with a name by a user', given: () => ({ text: 'x', name: 'n' }), expects: 'forbidden' },
  {
    command: 'message.send',
    title: 'whose id exists',
    given: async (scene) => ({ text: 'x', id: await scene.message() }),
    expects: 'conflict',
  },
  {
    command: 'message.send',
    title: 'whose id was deleted',
    given: async (scene) => ({ text: 'x', id: await deleted(scene) }),
    expects: 'conflict',
  },
  {
    command: 'message.send',
    title: 'whose id a stream has reserved',
    given: async (scene) => ({ text: 'x', id: await scene.stream() }),
    expects: 'conflict',
  },
  {
    command: 'message.send',
    title: 'below an unknown parent',
    given: () => ({ text: 'x', parentId: newId() }),
    expects: 'message_not_found',
  },
  {
    command: 'message.send',
    title: 'below a deleted parent',
    given: async (scene) => ({ text: 'x', parentId: await deleted(scene) }),
    expects: 'message.created',
    data: (_scene, given) => ({ parentId: given['parentId'] }),
  },
  ...rights('message.send', ['owner', 'member', 'agent'], 'message.created', text),
  ...ended('message.send', 'session_archived', text),
];

const edit: Case[] = [
  {
    command: 'message.edit',
    title: 'by its author',
    as: 'member',
    given: (scene) => own(scene, { text: 'another' }),
    expects: 'message.updated',
    data: (scene, given) => ({
      id: given['messageId'],
      messageSeq: 2,
      author: scene.id('member'),
      role: 'user',
      text: 'another',
      mentions: [],
    }),
    entity: (_scene, given) => given['messageId'],
    after: async (scene, { entityId, seq }) => {
      const read = await scene.read('viewer', `/messages/${entityId}`, message);
      expect(read).toMatchObject({ text: 'another', seq: 2, editedAt: (await scene.eventAt(seq)).time });
    },
  },
  {
    command: 'message.edit',
    title: 'to what it is',
    as: 'member',
    given: (scene) => own(scene, { text: 'a text' }),
    expects: 'unchanged',
  },
  {
    command: 'message.edit',
    title: 'of a deleted one',
    as: 'member',
    given: async (scene) => ({ messageId: await deleted(scene), text: 'back?' }),
    expects: 'message_not_found',
  },
  { command: 'message.edit', title: 'of none', given: unknown({ text: 'x' }), expects: 'message_not_found' },
  // everybody here may write but the author alone may edit
  ...rights('message.edit', ['member'], 'message.updated', (scene) => own(scene, { text: 'another' })),
  ...ended('message.edit', 'session_archived', (scene) => own(scene, { text: 'another' }), 'member'),
];

const remove: Case[] = [
  {
    command: 'message.delete',
    title: 'by its author',
    as: 'member',
    given: async (scene) => {
      const messageId = await scene.message('member', { text: 'a secret', mentions: [scene.id('owner')] });
      await scene.act('member', 'message.edit', { messageId, text: 'a secret still' });
      return { messageId };
    },
    expects: 'message.deleted',
    data: (scene, given) => ({
      id: given['messageId'],
      messageSeq: 2,
      author: scene.id('member'),
      role: 'user',
      mentions: [scene.id('owner')],
    }),
    after: async (scene, { entityId, seq }) => {
      const read = await scene.read('viewer', `/messages/${entityId}`, message);
      expect(read).toMatchObject({
        text: '',
        seq: 2,
        deletedAt: (await scene.eventAt(seq)).time,
        author: { id: scene.id('member') },
      });
      const events = await scene.events('viewer');
      expect(JSON.stringify(events)).not.toContain('secret');
      for (const at of [1, 2]) expect(events[at]?.data).toEqual({ id: entityId, erased: true });
    },
  },
  {
    command: 'message.delete',
    title: 'again',
    given: async (scene) => ({ messageId: await deleted(scene) }),
    expects: 'unchanged',
  },
  { command: 'message.delete', title: 'of none', given: unknown(), expects: 'message_not_found' },
  ...rights('message.delete', ['owner', 'member'], 'message.deleted', (scene) => own(scene)),
  ...ended('message.delete', 'message.deleted', (scene) => own(scene)),
];

export const MESSAGE_CASES: readonly Case[] = [...send, ...edit, ...remove];
