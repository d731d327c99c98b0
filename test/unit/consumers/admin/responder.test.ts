import { expect, it } from 'vitest';
import { AdminRefused } from '../../../../consumers/admin/refused.ts';
import { answerOf, CLOCK_SKEW_MS_MAX, type AdminHandlers } from '../../../../consumers/admin/responder.ts';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const ASKED = { v: 1, op: 'deadLetters.list', tenant: 'default', actor: 'alice', correlationId: 'k', limit: 1 };

async function answer(list: AdminHandlers['deadLetters.list'], asked: unknown = ASKED, msMax = 60_000) {
  const logged: string[] = [];
  const handlers = { 'deadLetters.list': list } as AdminHandlers;
  const said = await answerOf(encode(asked), handlers, { untilMs: Date.now() + msMax }, (_level, msg, fields) =>
    logged.push(`${msg} ${JSON.stringify(fields)}`),
  );
  return { said, logged };
}

it('answers with the question it is to', async () => {
  expect((await answer(async () => await Promise.resolve({ items: [] }))).said).toEqual({
    ok: true,
    op: 'deadLetters.list',
    result: { items: [] },
  });
});

it('what is refused keeps its code', async () => {
  const { said, logged } = await answer(async () => await Promise.reject(new AdminRefused('not_found', 'gone')));
  expect(said).toEqual({ ok: false, code: 'not_found', detail: 'gone' });
  expect(logged).toEqual([]);
});

it('a fault is logged with its correlation id and told without its cause', async () => {
  const { said, logged } = await answer(async () => await Promise.reject(new Error('secret host')));
  expect(said).toMatchObject({ ok: false, code: 'unavailable' });
  expect(JSON.stringify(said)).not.toContain('secret');
  expect(logged.join()).toContain('"correlationId":"k"');
});

it('does not begin what was asked too long ago: whoever asked was told that it is not done', async () => {
  let begun = 0;
  const list = async () => await Promise.resolve({ items: [], begun: (begun += 1) });
  const asked = { ...ASKED, answerByMs: Date.now() - CLOCK_SKEW_MS_MAX - 1 };
  const { said, logged } = await answer(list, asked);
  expect(said).toMatchObject({ ok: false, code: 'unavailable' });
  expect(logged.join()).toContain('"correlationId":"k"');
  expect(begun).toBe(0);
  // clocks differ by a little
  expect((await answer(list, { ...ASKED, answerByMs: Date.now() - 1_000 })).said).toMatchObject({ ok: true });
  expect(begun).toBe(1);
});

it('ends at its deadline', async () => {
  const never = new Promise<never>(() => {});
  expect((await answer(async () => await never, ASKED, 10)).said).toMatchObject({ ok: false, code: 'unavailable' });
});

it.each([[{ ...ASKED, op: 'deadLetters.burn' }], [{ ...ASKED, limit: 101 }], [{ ...ASKED, tenant: 'A.>' }], ['x']])(
  'refuses what it does not know: %j',
  async (asked) => {
    const { said } = await answer(async () => await Promise.resolve({ items: [] }), asked);
    expect(said).toMatchObject({ ok: false, code: 'invalid_request' });
  },
);
