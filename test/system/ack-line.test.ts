import type { ChildProcess } from 'node:child_process';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ackLineOf, type AckLine } from '../../consumers/runtime/ack-line.ts';
import type { Incoming } from '../../consumers/runtime/incoming.ts';
import { JetStreamSource } from '../../consumers/runtime/jetstream-source.ts';
import { addDurable, ensureStreams } from '../../consumers/runtime/streams.ts';
import { EVENTS_STREAM, eventSubject } from '../../shared/contract/subjects.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, until } from '../support/stack.ts';
import { Rig } from './consumers-rig.ts';

const EVENTS = 500;
const ROUNDS = 5;

/** What one confirmation for a batch (ADR 0041) rests on. */
requireOrSkip('nats-server', natsServerMissing())('the acknowledgements of a connection', () => {
  const rig = new Rig();
  let line: AckLine;
  let server: ChildProcess;

  beforeAll(async () => {
    await rig.prepare();
  });
  afterAll(async () => await rig.dispose());

  test('are taken in their order: the last one confirmed, none of them is out any more', async () => {
    server = rig.startNats();
    const connection = await rig.nats();
    line = ackLineOf(connection, () => undefined);
    const [manager, client] = [await jetstreamManager(connection), jetstream(connection)];
    await ensureStreams(manager, { eventsMaxBytes: 64 * 1024 ** 2 }, () => undefined);
    await addDurable(manager, 'all', { fromSeq: 1 });
    const subject = eventSubject('default', 'message.created', 's1');
    const all = Array.from({ length: EVENTS * ROUNDS }, async () => await client.publish(subject, '{}', { timeout: 30_000 }));
    await Promise.all(all);
    const source = new JetStreamSource(client, 'all');
    for (let round = 1; round <= ROUNDS; round += 1) {
      const batch: Incoming[] = [];
      await source.pull(EVENTS, (incoming) => batch.push(incoming));
      expect(batch).toHaveLength(EVENTS);
      for (const incoming of batch.slice(0, -1)) incoming.ackUnconfirmed();
      expect(await batch.at(-1)?.ack()).toBe(true);
      const { num_ack_pending, ack_floor } = await manager.consumers.info(EVENTS_STREAM, 'all');
      expect({ num_ack_pending, floor: ack_floor.stream_seq }).toEqual({ num_ack_pending: 0, floor: round * EVENTS });
    }
    expect(line.breaks()).toBe(0);
  });

  test('are another line after a break', async () => {
    await rig.kill(server, 'SIGKILL');
    await until('the break is seen', () => line.breaks() === 1);
    rig.startNats();
    await until('and the way back', () => line.breaks() === 2);
  });
});
