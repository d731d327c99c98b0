import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { QueryRequest } from '../../../shared/contract/internal.ts';
import type { Event } from '../../../shared/core/types.ts';
import { event, INTERNAL_SECRET, NO_EVENTS, problem, world } from './support.ts';

type World = ReturnType<typeof world>;

const REQUEST = { v: 1, tenant: 'acme', sessionId: 's1', seqs: [1, 2] };

async function post(it: World, body: object, secret = INTERNAL_SECRET): Promise<Response> {
  const text = JSON.stringify(body);
  const timestamp = String(Date.now());
  const signature = createHmac('sha256', secret).update(`${timestamp}.${text}`).digest('hex');
  return await it.call('POST', '/internal/events', {
    headers: { 'Content-Type': 'application/json', 'Millrace-Timestamp': timestamp, 'Millrace-Signature': signature },
    body: text,
  });
}

const eventsOf = async (response: Response): Promise<Event[]> => ((await response.json()) as { events: Event[] }).events;

function archiveOf(it: World, events: readonly Event[]): QueryRequest[] {
  const questions: QueryRequest[] = [];
  it.uplink.request.mockImplementation(async (_subject, payload) => {
    questions.push(JSON.parse(payload) as QueryRequest);
    return { ok: true, payload: JSON.stringify({ ok: true, op: 'eventsAt', events }) };
  });
  return questions;
}

test('what the tail has is not asked of the archive', async () => {
  const it = world();
  it.session.eventsAt.mockResolvedValue({ ...NO_EVENTS, events: [event(1)] });
  expect(await eventsOf(await post(it, REQUEST))).toEqual([event(1)]);
  expect(it.session.eventsAt).toHaveBeenCalledWith({ tenant: 'acme', sessionId: 's1' }, [1, 2]);
  expect(it.uplink.request).not.toHaveBeenCalled();
});

test('while the secret is changed, a call that is signed with the one before is taken as well', async () => {
  const old = 'the secret that was used until today, 32 bytes';
  const it = world({ INTERNAL_SECRET_OLD: old });
  it.session.eventsAt.mockResolvedValue({ ...NO_EVENTS, events: [event(1)] });
  expect((await post(it, REQUEST, old)).status).toBe(200);
  expect((await post(it, REQUEST)).status).toBe(200);
  expect((await post(it, REQUEST, 'some other secret, of 32 bytes and more')).status).toBe(401);
  expect((await post(world(), REQUEST, old)).status).toBe(401);
});

test('what left the tail comes from the archive, erased where the session knows it is', async () => {
  const it = world();
  it.session.eventsAt.mockResolvedValue({ ...NO_EVENTS, archivedSeqs: [1, 2], erasedSubjects: ['m2'] });
  const questions = archiveOf(it, [event(1), event(2)]);
  const [first, second] = await eventsOf(await post(it, REQUEST));
  expect(questions).toMatchObject([{ op: 'eventsAt', seqs: [1, 2] }]);
  expect([first, second?.data]).toEqual([event(1), { id: 'm2', erased: true }]);
});

test('of a deleted session nothing is whole but its end, whatever the archive still holds', async () => {
  const it = world();
  it.session.eventsAt.mockResolvedValue({ ...NO_EVENTS, archivedSeqs: [1, 2], isDeleted: true });
  const end = event(2, { type: 'session.deleted', subject: 's1', data: {} });
  archiveOf(it, [event(1), end]);
  expect(await eventsOf(await post(it, REQUEST))).toEqual([{ ...event(1), data: { id: 'm1', erased: true } }, end]);
});

test('an archive that is away, or lacks one, is 503: never a part', async () => {
  const it = world();
  it.session.eventsAt.mockResolvedValue({ ...NO_EVENTS, archivedSeqs: [1, 2] });
  expect(await problem(await post(it, REQUEST))).toMatchObject({ status: 503 });
  archiveOf(it, [event(1)]);
  expect(await problem(await post(it, REQUEST))).toMatchObject({ status: 503 });
});

test('unsigned is 401, an unsound question 400', async () => {
  const it = world();
  expect((await post(it, REQUEST, 'x'.repeat(40))).status).toBe(401);
  for (const body of [{ ...REQUEST, seqs: [] }, { ...REQUEST, seqs: [1, 2, 3, 4, 5] }, { ...REQUEST, tenant: 'A' }, {}])
    expect((await post(it, body)).status).toBe(400);
  expect(it.session.eventsAt).not.toHaveBeenCalled();
});
