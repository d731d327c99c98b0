import type { NatsConnection } from '@nats-io/transport-node';
import { expect, it, vi } from 'vitest';
import { ProcessHealth } from '../../../../consumers/health/process-health.ts';
import { RoleBook } from '../../../../consumers/pulse/role-book.ts';
import { SYSTEM_TIME } from '../../../../consumers/runtime/time.ts';

const bookOf = (...roles: string[]): RoleBook => new RoleBook({ roles, known: roles }, 'me', SYSTEM_TIME);
// what is asked of it here is all that its health needs
const connection = (flush: () => Promise<void>): NatsConnection => ({ flush }) as unknown as NatsConnection;

async function answer(health: ProcessHealth, path: string) {
  const said = await new Map(health.routes()).get(path)?.();
  const body = JSON.parse(said?.body ?? '') as { status: string; parts: Record<string, { status: string }> };
  const away = Object.entries(body.parts ?? {}).flatMap(([name, { status }]) => (status === 'ok' ? [] : [name]));
  return { status: said?.status, body, away };
}

it('a process is alive from the first moment, and ready when all that it has is', async () => {
  const health = new ProcessHealth();
  expect(await answer(health, '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect(await answer(health, '/readyz')).toMatchObject({ status: 503, away: ['nats'] });
  const book = bookOf('history', 'query');
  health.connected(
    connection(async () => await Promise.resolve()),
    book,
  );
  expect((await answer(health, '/readyz')).away).toEqual(['role:history', 'role:query']);
  book.running('history');
  book.running('query');
  book.storeOpened('history', async () => await Promise.resolve(true));
  expect(await answer(health, '/readyz')).toMatchObject({ status: 200, body: { status: 'ok' }, away: [] });
  book.storeFailed('history');
  expect(await answer(health, '/readyz')).toMatchObject({ status: 503, away: ['store:history'] });
});

it('one that drains is alive and not ready', async () => {
  const health = new ProcessHealth();
  health.connected(
    connection(async () => await Promise.resolve()),
    bookOf(),
  );
  health.draining();
  expect(await answer(health, '/readyz')).toMatchObject({ status: 503, away: ['process'] });
  expect((await answer(health, '/healthz')).status).toBe(200);
});

it('a server that does not answer within a second is away', async () => {
  vi.useFakeTimers();
  try {
    const health = new ProcessHealth();
    health.connected(
      connection(async () => await new Promise(() => undefined)),
      bookOf(),
    );
    const asked = answer(health, '/readyz');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await asked).toMatchObject({ status: 503, away: ['nats'] });
  } finally {
    vi.useRealTimers();
  }
});
