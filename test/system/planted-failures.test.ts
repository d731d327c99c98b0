import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { run } from '../../scripts/launch/common.mjs';
import { ensurePromtool } from '../../scripts/launch/promtool.mjs';
import { EVENTS_STREAM, eventSubject } from '../../shared/contract/subjects.ts';
import { alertRules, readText } from '../support/deploy-files.ts';
import { until, User } from '../support/client.ts';
import { ConsumerProcess } from '../support/consumer-processes.ts';
import { parseExposition, type Sample } from '../support/exposition.ts';
import { migratedVariables } from '../support/migrated-cassandra.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing, sharedCassandra, type SharedCassandra } from '../support/shared-cassandra.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/**
 * Failures are planted in a real system; its own figures, taken as if they stayed, make the alerts fire that speak of them and no
 * others, and what docs/operations.md says under their names mends it. When an alert fires over time, alerts.test.yml says.
 */

const RULES = join(import.meta.dirname, '../../deploy/prometheus/alerts.yml');
const PROMTOOL_MS_MAX = 60_000;
const SEEN_MS_MAX = 90_000;
const SESSION = 'watched';

const work = mkdtempSync(join(tmpdir(), 'millrace-planted-'));
let promtool = '';
const missing = await ensurePromtool().then(
  async (path) => {
    promtool = path;
    return natsServerMissing() ?? (await cassandraMissing());
  },
  (error: unknown) => String(error),
);

interface Firing {
  alertname: string;
  [label: string]: string;
}

let stack: Stack;
let main: ConsumerProcess;
let cassandra: SharedCassandra;
/** of every process */
let stores: Record<string, string>;
let search: ConsumerProcess | undefined;
let nats: NatsConnection;
let alice: User;

function portOf(process: ConsumerProcess): number {
  return Number(/"msg":"metrics are served".*?"port":(\d+)/.exec(process.output)?.[1]);
}

async function scraped(url: string, instance: string, headers: Record<string, string> = {}): Promise<Sample[]> {
  const answer = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
  const families = parseExposition(await answer.text());
  const job = instance === 'edge' ? 'millrace-edge' : 'millrace-consumers';
  const samples = [...families.values()].flatMap((family) => family.samples).filter(({ name }) => name.startsWith('millrace_'));
  return [{ name: 'up', labels: {}, value: 1 }, ...samples].map((sample) => ({
    ...sample,
    labels: { ...sample.labels, job, instance },
  }));
}

/** What Prometheus would have now. */
async function figures(): Promise<Sample[]> {
  const token = await stack.token('prometheus', { scope: 'metrics' });
  const gone: Sample = { name: 'up', labels: { job: 'millrace-consumers', instance: 'search' }, value: 0 };
  return [
    ...(await scraped(`http://127.0.0.1:${portOf(main)}/metrics`, 'main')),
    ...(search === undefined ? [gone] : await scraped(`http://127.0.0.1:${portOf(search)}/metrics`, 'search')),
    ...(await scraped(`${stack.url}/metrics`, 'edge', { Authorization: `Bearer ${token}` })),
  ];
}

function valueOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>>): number | undefined {
  const found = samples.find(
    (sample) => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
  );
  return found?.value;
}

/** Resolves when the figures say so. */
async function seen(
  what: string,
  holds: (value: (name: string, labels: Record<string, string>) => number) => boolean,
): Promise<Sample[]> {
  return await until(
    what,
    async () => {
      const samples = await figures();
      return holds((name, labels) => valueOf(samples, name, labels) ?? Number.NaN) && samples;
    },
    SEEN_MS_MAX,
  );
}

function labelled({ name, labels }: Pick<Sample, 'name' | 'labels'>): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
  return `${name}{${pairs.join(',')}}`;
}

/** Were the figures to stay as they are, exactly these alerts would fire. */
async function expectFiring(samples: readonly Sample[], expected: readonly Firing[]): Promise<void> {
  const severityOf = (name: string): string => alertRules().find(({ alert }) => alert === name)?.labels.severity ?? '';
  const tests = [
    {
      interval: '10s',
      input_series: samples.map((sample) => ({ series: labelled(sample), values: `${sample.value}x40` })),
      promql_expr_test: [
        {
          expr: 'ALERTS{alertstate="firing"}',
          eval_time: '6m',
          exp_samples: expected.map((labels) => ({
            labels: labelled({
              name: 'ALERTS',
              labels: { ...labels, alertstate: 'firing', severity: severityOf(labels.alertname) },
            }),
            value: 1,
          })),
        },
      ],
    },
  ];
  const file = join(work, 'planted.test.yml');
  writeFileSync(file, stringify({ rule_files: [RULES], evaluation_interval: '10s', tests }));
  const { code, output } = await run(promtool, ['test', 'rules', file], { timeoutMs: PROMTOOL_MS_MAX });
  expect(code, output).toBe(0);
  const page = readText('docs/operations.md');
  for (const { alertname } of expected) expect(page).toContain(`\n### ${alertname}\n`);
}

const letters = (consumers: readonly string[]): Firing[] =>
  consumers.map((consumer) => ({ alertname: 'MillraceDeadLetters', consumer }));
const READ_MODELS = ['history', 'search', 'analytics', 'notifications'];
const ROLES = 'history,analytics,notifications,query,relay,upkeep,admin';

requireOrSkip('nats-server, Cassandra and promtool', missing)('planted failures', () => {
  beforeAll(async () => {
    stack = await startStack({ parts: ['nats', 'edge'] });
    cassandra = await sharedCassandra();
    stores = await migratedVariables('planted');
    main = await ConsumerProcess.roles(stack, ROLES, stores);
    search = await ConsumerProcess.roles(stack, 'search', stores);
    nats = await connect({ servers: stack.nats });
    alice = new User(stack.url, await stack.token('alice'));
  });
  afterAll(async () => {
    await nats?.close();
    await Promise.all([main?.stop(), search?.stop()]);
    await stack?.stop();
    rmSync(work, { recursive: true, force: true });
  });

  test('none is seen where there is none', async () => {
    await alice.create({ id: SESSION, title: 'Watched' });
    const { commandId } = await alice.send(SESSION, 'before');
    await alice.persisted(SESSION, commandId);
    const samples = await seen('every durable has been looked at', (value) =>
      READ_MODELS.every((consumer) => value('millrace_consumer_oldest_age_seconds', { consumer, stream: EVENTS_STREAM }) === 0),
    );
    await expectFiring(samples, []);
  });

  test('a message that nobody can read is found', async () => {
    nats.publish(eventSubject('default', 'message.created', SESSION), 'no event');
    const samples = await seen('every read model keeps it', (value) =>
      READ_MODELS.every((consumer) => value('millrace_dead_letters', { consumer }) === 1),
    );
    await expectFiring(samples, letters(READ_MODELS));
  });

  test('a store that is down, and a durable that was deleted with its consumer stopped, are found', async () => {
    await cassandra.kill();
    await search?.stop();
    search = undefined;
    await (await jetstreamManager(nats)).consumers.delete(EVENTS_STREAM, 'search');
    const { commandId } = await alice.send(SESSION, 'while it stands still');
    const history = { consumer: 'history', stream: EVENTS_STREAM };
    const samples = await seen('both', (value) => {
      const isLate = value('millrace_consumer_oldest_age_seconds', history) > 30;
      const waits = value('millrace_batches_waiting_for_store', { consumer: 'history' }) > 0;
      return isLate && waits && value('millrace_consumer_present', { consumer: 'search', stream: EVENTS_STREAM }) === 0;
    });
    expect((await alice.status(SESSION, commandId)).status).toBe('published');
    await expectFiring(samples, [
      { alertname: 'MillraceStoreDown', consumer: 'history' },
      { alertname: 'MillraceConsumerLate', ...history },
      { alertname: 'MillraceDurableMissing', consumer: 'search', stream: EVENTS_STREAM },
      { alertname: 'MillraceProcessGone', job: 'millrace-consumers', instance: 'search' },
      ...letters(READ_MODELS),
    ]);
  });

  test('what operations.md says mends them', async () => {
    // the store is up again, and "Start one"
    await cassandra.start();
    search = await ConsumerProcess.roles(stack, 'search', stores);
    // "then discard"
    const olga = new User(stack.url, await stack.token('olga', { scope: 'admin' }));
    const { items } = (await olga.get('/v1/admin/dead-letters')).body as { items: { id: string; reason: string }[] };
    expect(new Set(items.map(({ reason }) => reason))).toEqual(new Set(['unparsable']));
    for (const { id } of items) await olga.http.expect(200, 'POST', `/v1/admin/dead-letters/${id}/discard`);
    const samples = await seen('all is as it was', (value) =>
      READ_MODELS.every(
        (consumer) =>
          value('millrace_consumer_oldest_age_seconds', { consumer, stream: EVENTS_STREAM }) === 0 &&
          value('millrace_consumer_present', { consumer, stream: EVENTS_STREAM }) === 1 &&
          !(value('millrace_dead_letters', { consumer }) > 0),
      ),
    );
    await expectFiring(samples, []);
    const found = (await alice.get('/v1/search?q=stands')).body as { items: unknown[] };
    expect(found.items).toHaveLength(1);
  });
});
