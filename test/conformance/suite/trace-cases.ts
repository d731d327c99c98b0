import { expect } from 'vitest';
import { ended, rights, type Case } from '../cases.ts';
import type { Data } from '../routes.ts';
import { trace } from '../schemas.ts';
import type { Scene } from '../scene.ts';

const AT = '2026-01-02T03:04:05.678Z';
const newId = (): string => crypto.randomUUID();
const started = async (scene: Scene, more: Data = {}): Promise<Data> => ({ traceId: await scene.trace(), ...more });
const span = (more: Data = {}): Data => ({ spanId: newId(), name: 'a span', startedAt: AT, ...more });
const unknown = (more: Data) => (): Data => ({ traceId: newId(), ...more });
const purged = async (scene: Scene): Promise<string> => {
  const traceId = await scene.trace();
  await scene.act('owner', 'trace.purge', { traceId });
  return traceId;
};

const start: Case[] = [
  {
    command: 'trace.start',
    title: 'with everything',
    as: 'agent',
    given: () => ({ id: newId(), name: 'a run', metadata: { run: 1 } }),
    expects: 'trace.started',
    data: (_scene, given) => given,
    entity: (_scene, given) => given['id'],
    after: async (scene, { entityId }) => {
      expect(await scene.read('viewer', `/traces/${entityId}`, trace)).toMatchObject({
        id: entityId,
        name: 'a run',
        metadata: { run: 1 },
      });
    },
  },
  {
    command: 'trace.start',
    title: 'whose id exists',
    as: 'agent',
    given: async (scene) => ({ id: await scene.trace(), name: 'n' }),
    expects: 'conflict',
  },
  {
    command: 'trace.start',
    title: 'whose id was purged',
    as: 'agent',
    given: async (scene) => ({ id: await purged(scene), name: 'n' }),
    expects: 'conflict',
  },
  ...rights('trace.start', ['owner', 'member', 'agent'], 'trace.started', () => ({ name: 'n' })),
  ...ended('trace.start', 'session_archived', () => ({ name: 'n' })),
];

const append: Case[] = [
  {
    command: 'trace.append',
    title: 'of a span with everything',
    as: 'agent',
    given: (scene) =>
      started(
        scene,
        span({
          parentSpanId: newId(),
          kind: 'tool',
          status: 'ok',
          endedAt: '2026-01-02T03:04:06.000Z',
          input: { q: ['x'] },
          output: 'y',
          metadata: { tokens: 3 },
        }),
      ),
    expects: 'trace.span',
    data: (_scene, { traceId, ...rest }) => ({ traceId, traceSeq: 2, span: rest }),
  },
  {
    command: 'trace.append',
    title: 'of a span that is its own parent',
    as: 'agent',
    given: (scene) => started(scene, span({ spanId: 'itself', parentSpanId: 'itself' })),
    expects: 'invalid_request',
  },
  { command: 'trace.append', title: 'to none', as: 'agent', given: unknown(span()), expects: 'trace_not_found' },
  {
    command: 'trace.append',
    title: 'to a purged one',
    as: 'agent',
    given: async (scene) => ({ traceId: await purged(scene), ...span() }),
    expects: 'trace_not_found',
  },
  ...rights('trace.append', ['owner', 'member', 'agent'], 'trace.span', (scene) => started(scene, span())),
  ...ended('trace.append', 'session_archived', (scene) => started(scene, span())),
];

const finish: Case[] = [
  {
    command: 'trace.finish',
    title: 'as completed',
    as: 'agent',
    given: (scene) => started(scene, { status: 'completed' }),
    expects: 'trace.finished',
    data: (_scene, given) => ({
      id: given['traceId'],
      traceSeq: 2,
      status: 'completed',
      durationMs: expect.any(Number) as unknown,
    }),
    after: async (scene, _result, { traceId }) => {
      expect(await scene.read('viewer', `/traces/${String(traceId)}`, trace)).toMatchObject({ status: 'completed' });
    },
  },
  {
    command: 'trace.finish',
    title: 'as failed, with an error',
    as: 'agent',
    given: (scene) => started(scene, { status: 'failed', error: 'it broke' }),
    expects: 'trace.finished',
    data: () => ({ status: 'failed', error: 'it broke' }),
  },
  { command: 'trace.finish', title: 'of none', as: 'agent', given: unknown({ status: 'failed' }), expects: 'trace_not_found' },
  ...rights('trace.finish', ['owner', 'member', 'agent'], 'trace.finished', (scene) => started(scene, { status: 'failed' })),
  ...ended('trace.finish', 'trace.finished', (scene) => started(scene, { status: 'completed' })),
];

const purge: Case[] = [
  {
    command: 'trace.purge',
    title: 'erases what it covers',
    given: async (scene) => {
      const traceId = await scene.trace('agent', { name: 'a secret' });
      await scene.act('agent', 'trace.append', { traceId, ...span({ input: 'a secret' }) });
      await scene.act('agent', 'trace.finish', { traceId, status: 'failed', error: 'a secret' });
      return { traceId };
    },
    expects: 'trace.purged',
    data: (_scene, given) => ({ id: given['traceId'], traceSeq: 2 }),
    after: async (scene) => {
      const events = await scene.events('viewer');
      expect(JSON.stringify(events)).not.toContain('secret');
      for (const { subject, data } of events.slice(1, 4)) expect(data).toEqual({ id: subject, erased: true });
    },
  },
  { command: 'trace.purge', title: 'of none', given: unknown({}), expects: 'trace_not_found' },
  ...rights('trace.purge', ['owner'], 'trace.purged', (scene) => started(scene)),
  ...ended('trace.purge', 'trace.purged', (scene) => started(scene)),
];

export const TRACE_CASES: readonly Case[] = [...start, ...append, ...finish, ...purge];
