import { describe, expect, it } from 'vitest';
import type { Actor } from '../../shared/core/types.ts';
import type { Executed, Result } from '../../worker/session/api.ts';
import { alice, TestSession } from './support.ts';

const backend: Actor = { ...alice, service: true };

/** A command as the relay brings it: with an id of the backend's, and always a key. */
async function bring(session: TestSession, text: string, ids: { commandId?: string; key: string }): Promise<Result<Executed>> {
  return await session.stub().execute(session.identity, {
    command: { name: 'message.send', data: { text } },
    actor: backend,
    correlationId: 'test',
    idempotencyKey: ids.key,
    ...(ids.commandId === undefined ? {} : { commandId: ids.commandId }),
  });
}

const gist = (result: Result<Executed>): string =>
  result.ok ? `${result.value.accepted.commandId}${result.value.replayed ? ' again' : ''}` : result.refusal.code;

describe('a command with an id of its own', () => {
  it('has it in its answer, its status and its event', async () => {
    const session = new TestSession();
    await session.create();
    expect(gist(await bring(session, 'a', { commandId: 'c-1', key: 'k1' }))).toBe('c-1');
    const status = await session.stub().commandStatus(session.identity, alice, 'c-1');
    expect(status).toMatchObject({ ok: true, value: { commandId: 'c-1', type: 'message.send', seq: 2 } });
    const page = await session.stub().events(session.identity, alice, { after: 1, limit: 10 });
    expect(page).toMatchObject({ ok: true, value: { events: [{ causationid: 'c-1' }] } });
  });

  it('is answered again by its key, and refused as another command', async () => {
    const session = new TestSession();
    await session.create();
    await bring(session, 'a', { commandId: 'c-1', key: 'k1' });
    expect(gist(await bring(session, 'a', { commandId: 'c-1', key: 'k1' }))).toBe('c-1 again');
    expect(gist(await bring(session, 'b', { commandId: 'c-1', key: 'k1' }))).toBe('idempotency_key_reused');
    expect(gist(await bring(session, 'b', { commandId: 'c-1', key: 'k2' }))).toBe('conflict');
    const described = await session.stub().describe(session.identity, alice);
    expect(described).toMatchObject({ ok: true, value: { head: 2 } });
    expect(gist(await bring(session, 'b', { commandId: 'c-2', key: 'k2' }))).toBe('c-2');
  });

  it('is not asked for its id before rights: a stranger learns nothing of it', async () => {
    const session = new TestSession();
    await session.create();
    await bring(session, 'a', { commandId: 'c-1', key: 'k1' });
    const result = (await session.stub().execute(session.identity, {
      command: { name: 'message.send', data: { text: 'x' } },
      actor: { id: 'mallory', kind: 'user' },
      correlationId: 'test',
      commandId: 'c-1',
    })) as Result<Executed>;
    expect(gist(result)).toBe('session_not_found');
  });
});

it('a service may say when a message was written, and act under another role', async () => {
  const session = new TestSession();
  await session.create();
  const result = (await session.stub().execute(session.identity, {
    command: { name: 'message.send', data: { text: 'a', createdAt: '2020-01-01T00:00:00Z' } },
    actor: backend,
    correlationId: 'test',
    idempotencyKey: 'k',
  })) as Result<Executed>;
  expect(result.ok).toBe(true);
});
