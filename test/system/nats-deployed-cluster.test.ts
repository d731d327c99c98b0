import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STREAMS } from '../../shared/contract/subjects.ts';
import { until, User } from '../support/client.ts';
import { ConsumerProcess } from '../support/consumer-processes.ts';
import { DeployedNats } from '../support/deployed-nats.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** Three servers by deploy/nats/cluster.conf: routes with certificates of both ends, and three copies of every stream. */

const REPLICATED_MS_MAX = 60_000;

let nats: DeployedNats;
let stack: Stack;
let consumers: ConsumerProcess;

requireOrSkip('nats-server', natsServerMissing())('a cluster as it is deployed', () => {
  beforeAll(async () => {
    nats = await DeployedNats.cluster();
    stack = await startStack({
      parts: ['edge'],
      env: {
        NATS_URL: nats.url,
        NATS_WS_URL: nats.webSocketUrl,
        NATS_CREDS: nats.seed('edge'),
        NODE_EXTRA_CA_CERTS: nats.pem.ca,
      },
    });
    consumers = await ConsumerProcess.roles(stack, 'history,notifications,query,relay,upkeep', {
      NATS_URL: nats.url,
      NATS_CREDS: nats.seed('consumers'),
      NATS_INBOX_PREFIX: '_INBOX_consumers',
      NODE_EXTRA_CA_CERTS: nats.pem.ca,
      EVENTS_REPLICAS: '3',
    });
  });
  afterAll(async () => {
    await consumers?.stop();
    await stack?.stop();
    await nats?.stop();
  });

  test('a message goes all the way', async () => {
    const alice = new User(stack.url, await stack.token('alice'));
    await alice.create({ id: 's1', title: 'Three copies' });
    const { commandId } = await alice.send('s1', 'hello');
    await alice.persisted('s1', commandId);
  });

  test('every stream has a leader and two others that are up to date', async () => {
    const operator = await nats.connect('operators', '_INBOX_operators');
    try {
      const manager = await jetstreamManager(operator);
      for (const stream of STREAMS) {
        await until(
          `${stream} has three copies`,
          async () => {
            const { config, cluster } = await manager.streams.info(stream);
            const others = cluster?.replicas?.filter(({ current }) => current) ?? [];
            return config.num_replicas === 3 && cluster?.leader !== undefined && others.length === 2;
          },
          REPLICATED_MS_MAX,
        );
      }
    } finally {
      await operator.close();
    }
  });

  test('nothing of it was against the rights of who did it', () => {
    const lines = nats.log().split('\n');
    expect(lines.filter((line) => /violation/i.test(line))).toEqual([]);
  });
});
