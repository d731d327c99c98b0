import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureStreams } from '../../consumers/runtime/streams.ts';
import { EVENTS_STREAM, eventSubject } from '../../shared/contract/subjects.ts';
import { NatsLink } from '../../worker/uplink/nats-link.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

requireOrSkip('nats-server', natsServerMissing())('what JetStream says of the events that the edge publishes', () => {
  let stack: Stack;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let link: NatsLink;

  beforeAll(async () => {
    stack = await startStack({ parts: ['nats'] });
    connection = await connect({ servers: stack.nats, reconnect: false });
    manager = await jetstreamManager(connection);
    await ensureStreams(manager, { eventsMaxBytes: 20_000 }, () => undefined);
    link = new NatsLink({ servers: [stack.natsWs], name: 'test' });
  });
  afterAll(async () => {
    await connection?.close();
    await stack?.stop();
  });

  const item = (id: string, payload = '{}') => ({ subject: eventSubject('default', 'message.created', 's1'), id, payload });
  const stored = async (): Promise<number> => (await manager.streams.info(EVENTS_STREAM)).state.messages;

  test('from which sequence on they are, and which of them it had', async () => {
    expect(await link.publish([item('a'), item('b')])).toEqual({ acked: 2, streamSeq: 1 });
    expect(await link.publish([item('c'), item('b'), item('d')])).toEqual({ acked: 3, streamSeq: 2, duplicates: [1] });
  });

  test('what it no longer has, but remembers, is not stored again', async () => {
    await manager.streams.purge(EVENTS_STREAM);
    expect(await link.publish([item('a'), item('e')])).toEqual({ acked: 2, streamSeq: 1, duplicates: [0] });
    expect(await stored()).toBe(1);
  });

  test('only what is before a hole counts, and why there is one', async () => {
    const nowhere = { ...item('f'), subject: 'millrace.elsewhere' };
    const some = await link.publish([item('g'), nowhere, item('h')]);
    expect(some).toMatchObject({ acked: 1, streamSeq: (await manager.streams.info(EVENTS_STREAM)).state.last_seq - 1 });
    expect(some.error).toContain('503');
    const none = await link.publish([nowhere, item('h')]);
    expect(none.acked).toBe(0);
    expect(none.error).toContain('503');
  });

  test('a stream that is full says so', async () => {
    const before = await stored();
    const answer = await link.publish([item('large', 'x'.repeat(30_000))]);
    expect(answer.acked).toBe(0);
    expect(answer.error).toContain('maximum bytes exceeded');
    expect(await stored()).toBe(before);
  });
});
