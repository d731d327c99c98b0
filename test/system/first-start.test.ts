import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, until } from '../support/stack.ts';
import { Rig } from './consumers-rig.ts';

requireOrSkip('nats-server', natsServerMissing())('the first start of all roles', () => {
  const rig = new Rig();
  beforeAll(async () => {
    await rig.prepare();
  });
  afterAll(async () => await rig.dispose());

  test('makes each stream once, and nobody complains that there is none', async () => {
    rig.startNats();
    rig.startConsumers('history,search,analytics,notifications,upkeep,query,admin,relay');
    await until('all have started', () => rig.said('ready') === 1, 60_000);
    const manager = await jetstreamManager(await rig.nats());
    const names: string[] = [];
    for await (const { config } of manager.streams.list()) names.push(config.name);
    const made = rig.output.split('\n').filter((line) => line.includes('"msg":"stream made"'));
    expect(made.map((line) => (JSON.parse(line) as { stream: string }).stream).toSorted()).toEqual(names.toSorted());
    expect(rig.output.split('\n').filter((line) => line.includes('stream not found'))).toEqual([]);
  });
});
