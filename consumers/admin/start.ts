import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Tracer } from '../../shared/telemetry/tracer.ts';
import { ADMIN_LOG_STREAM, DEAD_LETTERS_STREAM, EVENTS_STREAM, STREAMS } from '../../shared/contract/subjects.ts';
import { CONSUMERS } from '../durables.ts';
import { takePulse } from '../pulse/pulse.ts';
import type { ProcessReport } from '../pulse/report.ts';
import type { RoleBook } from '../pulse/role-book.ts';
import { READ_MODELS } from '../read-models.ts';
import { failureOf, tellOne } from '../receipts/one-receipt.ts';
import { edgePoster } from '../receipts/sender.ts';
import type { Log } from '../runtime/log.ts';
import { handOver } from '../runtime/redrive.ts';
import { signedPoster } from '../runtime/signed-post.ts';
import { PAYLOAD_BYTES_DEFAULT } from '../runtime/start-read-model.ts';
import { ensureStreams } from '../runtime/streams.ts';
import { SYSTEM_TIME } from '../runtime/time.ts';
import { answerOf } from '../stores/analytics/answer.ts';
import { openAnalytics } from '../stores/analytics/open.ts';
import type { AnalyticsStore } from '../stores/analytics/port.ts';
import { adminLogPage, jetStreamAdminLog } from './admin-log.ts';
import { ConsumerDesk } from './consumer-desk.ts';
import type { Settings } from '../settings.ts';
import { eventsOfEdge } from './edge-events.ts';
import { letterDetail } from './letter-detail.ts';
import { letterPage } from './letter-page.ts';
import { overviewOf } from './overview.ts';
import { rebuildInChild } from './rebuild-child.ts';
import { RebuildDesk } from './rebuild-desk.ts';
import { redriveAll } from './redrive-all.ts';
import { commandPorts } from './redriven-command.ts';
import { Redriver } from './redriver.ts';
import { startAdminResponder, type AdminHandlers } from './responder.ts';
import { sessionAuditor } from './session-audit.ts';
import { jetStreamReader } from './stream-reader.ts';

/** of one call to JetStream: several fit into the time of an answer */
const STREAM_CALL_MS_MAX = 1_000;
const MODEL_NAMES = READ_MODELS.map(({ name }) => name);

/** Starts answering operators. Rejects when the streams cannot be made. */
export async function startAdmin(
  connection: NatsConnection,
  settings: Settings,
  log: Log,
  { book, tracer }: { book: RoleBook; tracer?: Tracer },
): Promise<() => Promise<void>> {
  const manager = await jetstreamManager(connection, { timeout: STREAM_CALL_MS_MAX });
  await ensureStreams(manager, settings, log);
  const client = jetstream(connection, { timeout: STREAM_CALL_MS_MAX });
  const letters = jetStreamReader(client, manager, DEAD_LETTERS_STREAM);
  const lines = jetStreamReader(client, manager, ADMIN_LOG_STREAM);
  const post = signedPoster(settings.edgeUrl, settings.internalSecret, Date.now);
  const adminLog = jetStreamAdminLog(client, Date.now);
  const pulse = async (): Promise<ProcessReport[]> => await takePulse(connection);
  const redriver = new Redriver({
    letters,
    events: jetStreamReader(client, manager, EVENTS_STREAM),
    eventNow: eventsOfEdge(post),
    handOver: async (consumer, event, publishedAtMs, { msMax, traceparent }) =>
      await handOver(connection, consumer, { event, publishedAtMs }, msMax, traceparent),
    ...commandPorts(connection, settings, post, log),
    tellFailed: async (place, failure) => {
      const { atMs } = failure;
      const said = { publishedAt: atMs, persistedAt: atMs, failures: [failureOf(place, failure)] };
      await tellOne(edgePoster(post), place, said);
    },
    log: adminLog,
  });
  const desk = new ConsumerDesk({ manager, consumers: CONSUMERS, pulse, log: adminLog, time: SYSTEM_TIME });
  const rebuilds = new RebuildDesk({
    names: MODEL_NAMES,
    run: async (name, run) => await rebuildInChild(name, run),
    adminLog,
    log,
    time: SYSTEM_TIME,
  });
  book.rebuildsFrom(() => rebuilds.list());
  const auditor = sessionAuditor(connection, settings, log);
  const analytics = lazyAnalytics(settings);
  const handlers: AdminHandlers = {
    'audit.session': async (request, deadline) => await auditor.audit(request, deadline),
    'deadLetters.list': async (request, deadline) => await letterPage(letters, request, deadline),
    'deadLetters.get': async ({ id, tenant }) => letterDetail(await redriver.find(id, tenant)),
    'deadLetters.redrive': async (request, deadline) =>
      await redriver.redrive(await redriver.find(request.id, request.tenant), request, deadline),
    'deadLetters.discard': async (request) => await redriver.discard(await redriver.find(request.id, request.tenant), request),
    'deadLetters.redriveAll': async (request, deadline) => await redriveAll({ letters, redriver, log }, request, deadline),
    'analytics.query': async ({ query, ...span }) => ({ items: await answerOf(await analytics.store(), query, span) }),
    overview: async () => await overviewOf({ manager, desk, pulse, streams: STREAMS, roles: book.known, stores: MODEL_NAMES }),
    'consumers.list': async () => await desk.answer(),
    'consumers.pause': async (request) => await desk.pause(request),
    'consumers.resume': async (request) => await desk.resume(request),
    'consumers.rebuild': async (request, deadline) => {
      desk.named(request.name);
      return await rebuilds.start(request, deadline);
    },
    'log.list': async (request, deadline) => await adminLogPage(lines, request, deadline),
  };
  const responder = startAdminResponder(connection, handlers, connection.info?.max_payload ?? PAYLOAD_BYTES_DEFAULT, log, tracer);
  const unwatch = desk.watch();
  return async () => {
    unwatch();
    await Promise.all([responder.stop(), rebuilds.stop()]);
    await auditor.close();
    await analytics.close();
  };
}

/** Opened by the first question: operators are answered about all else while it cannot be reached. Closing never rejects. */
function lazyAnalytics(settings: Settings): { store(): Promise<AnalyticsStore>; close(): Promise<void> } {
  let opened: Promise<AnalyticsStore> | undefined;
  return {
    async store() {
      opened ??= openAnalytics(settings, { writes: false, mayMake: false });
      try {
        return await opened;
      } catch (error) {
        opened = undefined;
        throw error;
      }
    },
    async close() {
      await opened?.then(async (store) => await store.close()).catch(() => undefined);
    },
  };
}
