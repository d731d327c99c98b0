import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { ensurePromtool } from '../../scripts/launch/promtool.mjs';
import { judgeFrames, lint, type Frame } from '../support/alert-frames.ts';
import { until, User } from '../support/client.ts';
import { scrape, sumIn, valueIn, type Family } from '../support/exposition.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing, sharedCassandra, type SharedCassandra } from '../support/shared-cassandra.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** What docs/metrics.md says of outages, read from the endpoints of a running system. */

const KEYSPACE = 'metrics';
const SESSION = 'outage';
const MESSAGES = 20;
/** deploy/prometheus/alerts.yml calls what is older late, at the edge and at a consumer */
const LATE_S = 30;
/** it takes as long as it says, and a machine with much else to do takes longer */
const LATE_MS_MAX = 120_000;
const RETURN_MS_MAX = 90_000;

/** those that concern what is stopped here; others look at longer times than a test takes */
const LOOKED = [
  'MillraceConsumerLate',
  'MillraceStoreDown',
  'MillraceOutboxOld',
  'MillraceOutboxDeep',
  'MillraceConsumerBacklog',
  'MillraceDurableMissing',
  'MillracePartDown',
  'MillraceDeadLetters',
];

let promtool = '';
const promtoolMissing = await ensurePromtool().then(
  (path) => void (promtool = path),
  (error: unknown) => String(error),
);

interface Figures {
  consumers: Map<string, Family>;
  edge: Map<string, Family>;
}

requireOrSkip('nats-server and Cassandra', natsServerMissing() ?? (await cassandraMissing()))(
  'figures while something is away',
  () => {
    let node: SharedCassandra;
    let stack: Stack;
    let alice: User;
    let authorization: Record<string, string>;
    const frames: Frame[] = [];
    const keep = (seen: Figures, ...firing: string[]): number => frames.push({ scraped: { ...seen }, firing });

    beforeAll(async () => {
      node = await sharedCassandra();
      await migrateCassandra(node.settings(KEYSPACE), () => {});
      stack = await startStack({ env: node.variables(KEYSPACE) });
      authorization = { Authorization: `Bearer ${await stack.token('prometheus', { scope: 'metrics' })}` };
      alice = new User(stack.url, await stack.token('alice'));
      await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200, 60_000);
      await alice.create({ id: SESSION, title: 'Outage' });
      const { commandId } = await alice.send(SESSION, 'before');
      await alice.persisted(SESSION, commandId);
    });
    afterAll(async () => {
      await alice?.close();
      await stack?.stop();
    });

    const figures = async (): Promise<Figures> => ({
      consumers: await scrape(`http://127.0.0.1:${stack.settings.ports.metrics}/metrics`),
      edge: await scrape(`${stack.url}/metrics`, authorization),
    });

    /** Reads until all hold at once, and answers what was read then. */
    async function figuresWhen(what: string, holds: (seen: Figures) => boolean, withinMs: number): Promise<Figures> {
      let seen = await figures();
      await until(
        what,
        async () => {
          seen = await figures();
          return holds(seen);
        },
        withinMs,
      );
      return seen;
    }

    const of = (consumer: string) => ({ consumer, stream: EVENTS_STREAM });
    const left = ({ consumers }: Figures, consumer: string): number =>
      sumIn(consumers, 'millrace_consumer_pending', of(consumer)) +
      sumIn(consumers, 'millrace_consumer_ack_pending', of(consumer));
    const ageS = ({ consumers }: Figures, consumer: string): number =>
      valueIn(consumers, 'millrace_consumer_oldest_age_seconds', of(consumer)) ?? Number.NaN;
    const waiting = ({ consumers }: Figures): number =>
      sumIn(consumers, 'millrace_batches_waiting_for_store', { consumer: 'history' });
    const outbox = ({ edge }: Figures): number => sumIn(edge, 'millrace_outbox_events');
    const outboxAgeS = ({ edge }: Figures): number =>
      Math.max(...(edge.get('millrace_outbox_oldest_age_seconds')?.samples ?? []).map(({ value }) => value));
    const isQuiet = (seen: Figures): boolean =>
      ['history', 'search', 'analytics', 'notifications'].every((name) => left(seen, name) === 0 && ageS(seen, name) === 0) &&
      outbox(seen) === 0 &&
      waiting(seen) === 0;

    async function sendAll(): Promise<string[]> {
      const sent: string[] = [];
      for (let n = 0; n < MESSAGES; n += 1) sent.push((await alice.send(SESSION, `message ${n}`)).commandId);
      return sent;
    }

    test('all are there, and nothing waits', async () => {
      const seen = await figuresWhen('nothing waits', isQuiet, RETURN_MS_MAX);
      keep(seen);
      const { consumers, edge } = seen;
      for (const consumer of ['history', 'search', 'analytics', 'notifications']) {
        expect(valueIn(consumers, 'millrace_consumer_present', of(consumer))).toBe(1);
        expect(valueIn(consumers, 'millrace_part_up', { part: consumer })).toBe(1);
        expect(valueIn(consumers, 'millrace_consumer_paused', of(consumer))).toBe(0);
      }
      expect(valueIn(consumers, 'millrace_consumer_present', { consumer: 'relay' })).toBe(1);
      expect(valueIn(consumers, 'millrace_batch_events_count', { consumer: 'history' })).toBeGreaterThan(0);
      expect(valueIn(consumers, 'millrace_receipt_age_seconds_count')).toBeGreaterThan(0);
      const bytes = valueIn(consumers, 'millrace_stream_bytes', { stream: EVENTS_STREAM }) ?? 0;
      expect(bytes).toBeGreaterThan(0);
      expect(valueIn(consumers, 'millrace_stream_bytes_max', { stream: EVENTS_STREAM })).toBeGreaterThan(bytes);
      expect(sumIn(edge, 'millrace_commands_total', { door: 'http', outcome: 'accepted' })).toBe(2);
      expect(sumIn(edge, 'millrace_uplink_events_total')).toBe(2);
    });

    test(
      'the history store is stopped: its lag and its oldest rise, the others and the outbox do not, and all returns',
      { timeout: 300_000 },
      async () => {
        const before = await figures();
        await node.kill();
        const sent = await sendAll();
        const during = await figuresWhen(
          'the history is late, and nobody else',
          (seen) =>
            left(seen, 'history') === MESSAGES &&
            ageS(seen, 'history') > LATE_S &&
            waiting(seen) > 0 &&
            left(seen, 'search') === 0 &&
            outbox(seen) === 0,
          LATE_MS_MAX,
        );
        keep(during, 'MillraceConsumerLate', 'MillraceStoreDown');
        const failures = ({ consumers }: Figures, kind: string): number =>
          sumIn(consumers, 'millrace_sink_errors_total', { consumer: 'history', kind });
        expect(failures(during, 'unavailable')).toBeGreaterThan(failures(before, 'unavailable'));
        expect(failures(during, 'bug')).toBe(failures(before, 'bug'));
        // in hand, or not given yet: a store that is away burns no deliveries
        expect(sumIn(during.consumers, 'millrace_consumer_redelivered', of('history'))).toBe(0);
        expect(ageS(during, 'search')).toBe(0);

        await node.start();
        for (const commandId of sent) await alice.persisted(SESSION, commandId);
        const after = await figuresWhen('nothing waits', isQuiet, RETURN_MS_MAX);
        keep(after);
        expect(sumIn(after.consumers, 'millrace_dead_letters')).toBe(0);
        // the receipt tells how old the oldest was
        const late = ({ consumers }: Figures): number =>
          sumIn(consumers, 'millrace_receipt_age_seconds_count') -
          sumIn(consumers, 'millrace_receipt_age_seconds_bucket', { le: '30' });
        expect(late(before)).toBe(0);
        expect(late(after)).toBeGreaterThan(0);
      },
    );

    test(
      'NATS is stopped: what waits at the edge is seen there, with its age, and all returns',
      { timeout: 300_000 },
      async () => {
        const failures = ({ edge }: Figures): number => sumIn(edge, 'millrace_uplink_failures_total');
        const before = await figures();
        await stack.stop('nats');
        const sent = await sendAll();
        const during = await figuresWhen(
          'the outbox is deep and old',
          (seen) => outbox(seen) === MESSAGES && outboxAgeS(seen) > LATE_S,
          LATE_MS_MAX,
        );
        keep(during, 'MillraceOutboxOld');
        expect(sumIn(during.edge, 'millrace_outbox_sessions')).toBe(1);
        expect(failures(during)).toBeGreaterThan(failures(before));
        expect(sumIn(during.edge, 'millrace_part_up')).toBe(sumIn(before.edge, 'millrace_part_up'));

        await stack.start('nats');
        for (const commandId of sent) await alice.persisted(SESSION, commandId);
        keep(await figuresWhen('nothing waits', (seen) => isQuiet(seen) && outboxAgeS(seen) === 0, RETURN_MS_MAX));
      },
    );

    requireOrSkip('promtool', promtoolMissing)('as Prometheus reads them', () => {
      test('the alerts fire of what was read while something was away, and no other time', async () => {
        expect(frames).toHaveLength(5);
        expect(await judgeFrames(promtool, frames, LOOKED)).toBe('');
        // and a frame that says otherwise would be found
        const mistaken = frames.map((frame) => ({ ...frame, firing: [] }));
        expect(await judgeFrames(promtool, mistaken, LOOKED)).toContain('MillraceStoreDown');
      });

      test('promtool has nothing to say against either endpoint', async () => {
        const edge = await (await fetch(`${stack.url}/metrics`, { headers: authorization })).text();
        expect(await lint(promtool, edge)).toBe('');
        const consumers = await (await fetch(`http://127.0.0.1:${stack.settings.ports.metrics}/metrics`)).text();
        // what a library says of the process has its own names
        const ours = consumers.split('\n').filter((line) => /^(# (HELP|TYPE) )?millrace_/.test(line));
        expect(await lint(promtool, `${ours.join('\n')}\n`)).toBe('');
      });
    });
  },
);
