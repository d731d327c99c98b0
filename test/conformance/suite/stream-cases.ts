import { expect } from 'vitest';
import { ended, rights, type Case } from '../cases.ts';
import type { Data } from '../routes.ts';
import { message } from '../schemas.ts';
import type { RoleName, Scene } from '../scene.ts';

const started = async (scene: Scene, more: Data = {}, as: RoleName = 'agent'): Promise<Data> => ({
  messageId: await scene.stream(as),
  ...more,
});
const withText = async (scene: Scene, more: Data = {}): Promise<Data> => {
  const data = await started(scene);
  await scene.act('agent', 'stream.append', { ...data, index: 0, text: 'one ' });
  await scene.act('agent', 'stream.append', { ...data, index: 1, text: 'two' });
  return { ...data, ...more };
};
const asViewer = async (scene: Scene, more: Data): Promise<Data> => {
  const data = await withText(scene, more);
  await scene.act('owner', 'member.put', { userId: scene.id('agent'), role: 'viewer' });
  return data;
};
const over = async (scene: Scene, more: Data = {}): Promise<Data> => {
  const data = await withText(scene);
  await scene.act('agent', 'stream.finish', { ...data, status: 'completed' });
  return { ...data, ...more };
};
const cancelled = async (scene: Scene, more: Data = {}): Promise<Data> => {
  const data = await withText(scene);
  await scene.act('agent', 'stream.cancel', data);
  return { ...data, ...more };
};
const unknown = (more: Data) => (): Data => ({ messageId: crypto.randomUUID(), ...more });
const path = (given: Data): string => `/messages/${String(given['messageId'])}`;

const start: Case[] = [
  {
    command: 'stream.start',
    title: 'with everything',
    as: 'agent',
    given: async (scene) => ({
      messageId: crypto.randomUUID(),
      role: 'assistant',
      name: 'writer',
      parentId: await scene.message(),
      metadata: { model: 'm' },
      idleTimeoutMs: 1_800_000,
    }),
    expects: 'quiet',
    entity: (_scene, given) => given['messageId'],
    after: async (scene, _result, given) => {
      const { messageId } = given;
      await scene.act('agent', 'stream.append', { messageId, index: 0, text: 'hello' });
      const { seq } = await scene.act('agent', 'stream.finish', { messageId, status: 'completed' });
      const { role, name, parentId, metadata } = given;
      const data = { id: messageId, role, name, parentId, metadata, text: 'hello', status: 'completed' };
      expect(await scene.eventAt(seq)).toMatchObject({ type: 'message.created', subject: messageId, data });
    },
  },
  {
    command: 'stream.start',
    title: 'with an id that exists',
    as: 'agent',
    given: async (scene) => ({ messageId: await scene.message() }),
    expects: 'conflict',
  },
  {
    command: 'stream.start',
    title: 'with an id that a stream has',
    as: 'agent',
    given: (scene) => started(scene),
    expects: 'conflict',
  },
  {
    command: 'stream.start',
    title: 'below no message',
    as: 'agent',
    given: () => ({ parentId: crypto.randomUUID() }),
    expects: 'message_not_found',
  },
  {
    command: 'stream.start',
    title: 'as assistant by a user',
    as: 'member',
    given: () => ({ role: 'assistant' }),
    expects: 'forbidden',
  },
  { command: 'stream.start', title: 'with a name by a user', as: 'member', given: () => ({ name: 'n' }), expects: 'forbidden' },
  ...rights('stream.start', ['owner', 'member', 'agent'], 'quiet'),
  ...ended('stream.start', 'session_archived', () => ({}), 'agent'),
];

const append: Case[] = [
  {
    command: 'stream.append',
    title: 'of the next chunk',
    as: 'agent',
    given: (scene) => withText(scene, { index: 2, text: ' three' }),
    expects: 'quiet',
    entity: (_scene, given) => given['messageId'],
    after: async (scene, _result, { messageId }) => {
      const { seq } = await scene.act('agent', 'stream.finish', { messageId, status: 'completed' });
      expect(await scene.eventAt(seq)).toMatchObject({ data: { text: 'one two three' } });
    },
  },
  {
    command: 'stream.append',
    title: 'of the same chunk with another text',
    as: 'agent',
    given: (scene) => withText(scene, { index: 1, text: 'three' }),
    expects: 'conflict',
  },
  {
    command: 'stream.append',
    title: 'that leaves a hole',
    as: 'agent',
    given: (scene) => withText(scene, { index: 3, text: 'four' }),
    expects: 'stream_gap',
    problem: { expectedIndex: 2 },
  },
  {
    command: 'stream.append',
    title: 'to a finished one',
    as: 'agent',
    given: (scene) => over(scene, { index: 2, text: 'x' }),
    expects: 'stream_ended',
  },
  {
    command: 'stream.append',
    title: 'to a cancelled one',
    as: 'agent',
    given: (scene) => cancelled(scene, { index: 2, text: 'x' }),
    expects: 'stream_ended',
  },
  {
    command: 'stream.append',
    title: 'to none',
    as: 'agent',
    given: unknown({ index: 0, text: 'x' }),
    expects: 'stream_not_found',
  },
  {
    command: 'stream.append',
    title: 'by its starter, a viewer meanwhile',
    as: 'agent',
    given: (scene) => asViewer(scene, { index: 2, text: ' three' }),
    expects: 'quiet',
  },
  ...rights('stream.append', ['agent'], 'quiet', (scene) => started(scene, { index: 0, text: 'x' })),
  ...ended('stream.append', 'quiet', (scene) => started(scene, { index: 0, text: 'x' }), 'agent'),
];

const finish: Case[] = [
  {
    command: 'stream.finish',
    title: 'as completed',
    as: 'agent',
    given: (scene) => withText(scene, { status: 'completed' }),
    expects: 'message.created',
    data: (_scene, given) => ({ id: given['messageId'], text: 'one two', status: 'completed', ordinal: 1 }),
    after: async (scene, _result, given) => {
      const author = { id: scene.id('agent'), kind: 'agent' };
      expect(await scene.read('viewer', path(given), message)).toMatchObject({ text: 'one two', status: 'completed', author });
    },
  },
  {
    command: 'stream.finish',
    title: 'with the whole text, which wins',
    as: 'agent',
    given: (scene) => withText(scene, { status: 'completed', text: 'all of it' }),
    expects: 'message.created',
    data: () => ({ text: 'all of it', status: 'completed' }),
  },
  {
    command: 'stream.finish',
    title: 'as failed, with no text at all',
    as: 'agent',
    given: (scene) => started(scene, { status: 'failed' }),
    expects: 'message.created',
    data: () => ({ text: '', status: 'failed' }),
  },
  {
    command: 'stream.finish',
    title: 'as completed, with no text at all',
    as: 'agent',
    given: (scene) => started(scene, { status: 'completed' }),
    expects: 'message_empty',
  },
  {
    command: 'stream.finish',
    title: 'of a finished one',
    as: 'agent',
    given: (scene) => over(scene, { status: 'completed' }),
    expects: 'stream_ended',
  },
  { command: 'stream.finish', title: 'of none', as: 'agent', given: unknown({ status: 'failed' }), expects: 'stream_not_found' },
  {
    command: 'stream.finish',
    title: 'by its starter, a viewer meanwhile',
    as: 'agent',
    given: (scene) => asViewer(scene, { status: 'completed' }),
    expects: 'message.created',
    data: (_scene, { messageId }) => ({ id: messageId, text: 'one two' }),
  },
  ...rights('stream.finish', ['agent'], 'message.created', (scene) => started(scene, { status: 'failed' })),
  ...ended('stream.finish', 'message.created', (scene) => withText(scene, { status: 'completed' }), 'agent'),
];

const cancel: Case[] = [
  {
    command: 'stream.cancel',
    title: 'by who started it',
    as: 'agent',
    given: (scene) => withText(scene, { reason: 'enough' }),
    expects: 'message.created',
    data: () => ({ text: 'one two', status: 'cancelled' }),
    after: async (scene, _result, given) => {
      expect(await scene.read('viewer', path(given), message)).toMatchObject({ text: 'one two', status: 'cancelled' });
    },
  },
  {
    command: 'stream.cancel',
    title: 'by the author of the message it answers',
    as: 'member',
    given: async (scene) => ({ messageId: await scene.stream('agent', { parentId: await scene.message('member') }) }),
    expects: 'message.created',
    data: () => ({ text: '', status: 'cancelled' }),
  },
  { command: 'stream.cancel', title: 'of a finished one', as: 'agent', given: (scene) => over(scene), expects: 'stream_ended' },
  { command: 'stream.cancel', title: 'of none', as: 'agent', given: unknown({}), expects: 'stream_not_found' },
  ...rights('stream.cancel', ['owner', 'agent'], 'message.created', (scene) => started(scene)),
  ...ended('stream.cancel', 'message.created', (scene) => started(scene)),
];

export const STREAM_CASES: readonly Case[] = [
  ...start,
  ...append,
  ...finish,
  ...cancel.map((row): Case => ({ ...row, actor: 'agent' })),
];
