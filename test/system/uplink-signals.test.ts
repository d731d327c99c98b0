import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FROM_EDGE, FROM_HEADER, SIGNALS_SUBJECTS, signalsSubject } from '../../shared/contract/subjects.ts';
import { NatsLink } from '../../worker/uplink/nats-link.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** over what a call may take (2 s), with room for a busy machine */
const CALL_MS_MAX = 6_000;

requireOrSkip('nats-server', natsServerMissing())('core messages of the edge', () => {
  let stack: Stack;
  let backend: NatsConnection;
  let link: NatsLink;

  beforeAll(async () => {
    stack = await startStack({ parts: ['nats'] });
    backend = await connect({ servers: stack.nats, reconnect: false });
    link = new NatsLink({ servers: [stack.natsWs], name: 'test' });
  });

  afterAll(async () => {
    await backend?.close();
    await stack?.stop();
  });

  it('reach a backend that listens, in order and marked as of the edge', async () => {
    const subscription = backend.subscribe(SIGNALS_SUBJECTS, { max: 2 });
    await backend.flush();
    await link.signal(signalsSubject('default', 's1'), '{"name":"cancel","n":1}');
    await link.signal(signalsSubject('acme', 's2'), '{"name":"cancel","n":2}');
    const heard: string[] = [];
    for await (const message of subscription) {
      expect(message.headers?.get(FROM_HEADER)).toBe(FROM_EDGE);
      heard.push(`${message.subject} ${message.string()}`);
    }
    expect(heard).toEqual([
      'millrace.signals.default.s1 {"name":"cancel","n":1}',
      'millrace.signals.acme.s2 {"name":"cancel","n":2}',
    ]);
  });

  it('are refused within the bound while NATS is away, rather than kept', async () => {
    await stack.stop('nats');
    const startMs = Date.now();
    await expect(link.signal(signalsSubject('default', 's1'), '{}')).rejects.toThrow();
    expect(Date.now() - startMs).toBeLessThan(CALL_MS_MAX);
  });
});
