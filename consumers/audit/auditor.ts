import { randomUUID } from 'node:crypto';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { CLOUDEVENTS_CONTENT_TYPE, eventSubject } from '../../shared/contract/subjects.ts';
import { openHistory, openScan } from '../projections/history-read-model.ts';
import { wait } from '../runtime/backoff.ts';
import type { Log } from '../runtime/log.ts';
import type { Platform, ReadModel } from '../runtime/read-model.ts';
import { signedPoster } from '../runtime/signed-post.ts';
import { SYSTEM_TIME } from '../runtime/time.ts';
import type { Settings } from '../settings.ts';
import type { HistoryStore, SessionKey } from '../stores/history/port.ts';
import { auditEdge } from './edge.ts';
import type { SessionReport } from './finding.ts';
import { readLetters } from './letters.ts';
import type { JetStream } from './read-stream.ts';
import { auditSession, type AuditOptions } from './session-audit.ts';
import type { AuditPorts } from './session-look.ts';
import { auditStream } from './stream-look.ts';
import { sessionsOf, type SessionQuery } from './sessions.ts';

/** dead letters that account for what is missing, the newest: one that is older is a finding again */
const LETTERS_MAX = 100_000;
/** sessions looked at together: each has its expected rows in a file of its own */
const SESSIONS_AT_ONCE_MAX = 4;
const PUBLISH_MS_MAX = 5_000;

/** An audit of a whole system: one per run, for what it knows of dead letters is of its beginning. */
export interface Auditor {
  /** read models that it does not look at */
  notCompared: readonly string[];
  sessions(query: SessionQuery): Promise<SessionKey[]>;
  /** Reports come as sessions are done. Never rejects for a session: see SessionReport.failure. */
  audit(sessions: readonly SessionKey[], options: AuditOptions, report: (report: SessionReport) => void): Promise<void>;
  close(): Promise<void>;
}

/** What audits look at, opened; all but the dead letters, which are read for each of them. */
export interface OpenedPorts {
  ports: Omit<AuditPorts, 'letters'>;
  jetStream: JetStream;
  /** read models that do not say how, or that cannot be looked at from here */
  notCompared: readonly string[];
  close(): Promise<void>;
}

/** Rejects when the store or a read model cannot be looked at. */
export async function openAuditPorts(
  connection: NatsConnection,
  jetStream: JetStream,
  settings: Settings,
  readModels: readonly ReadModel[],
  log: Log,
): Promise<OpenedPorts> {
  const post = signedPoster(settings.edgeUrl, settings.internalSecret, Date.now);
  const platform: Platform = { connection, ...jetStream, settings, post, log, now: Date.now, time: SYSTEM_TIME };
  const opened: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    for (const each of opened.splice(0).toReversed()) await each.close();
  };
  try {
    const scan = await openScan(settings);
    opened.push(scan);
    const models: AuditPorts['models'][number][] = [];
    const notCompared: string[] = [];
    for (const model of readModels) {
      const audit = await model.openAudit?.(platform);
      if (audit === undefined) {
        notCompared.push(model.name);
        continue;
      }
      opened.push(audit);
      models.push({ name: model.name, audit });
    }
    let store: Promise<HistoryStore> | undefined;
    const openStore = async (): Promise<HistoryStore> => {
      store ??= openHistory(settings, true).then((history) => {
        opened.push(history);
        return history;
      });
      return await store;
    };
    const stream = auditStream(jetStream);
    const publish = publisher(jetStream);
    return {
      ports: { edge: auditEdge(post), scan, openStore, stream, models, publish, now: Date.now, wait },
      jetStream,
      notCompared,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Rejects when stream, store or a read model cannot be looked at. */
export async function openAuditor(
  connection: NatsConnection,
  settings: Settings,
  readModels: readonly ReadModel[],
  log: Log,
): Promise<Auditor> {
  const jetStream: JetStream = { client: jetstream(connection), manager: await jetstreamManager(connection) };
  const letters = await readLetters(jetStream, LETTERS_MAX);
  const { ports, notCompared, close } = await openAuditPorts(connection, jetStream, settings, readModels, log);
  return {
    notCompared,
    sessions: async (query) => await sessionsOf(ports.scan, jetStream, query),
    audit: async (sessions, options, report) => await auditAll({ ...ports, letters }, sessions, options, report),
    close,
  };
}

async function auditAll(
  ports: AuditPorts,
  sessions: readonly SessionKey[],
  options: AuditOptions,
  report: (report: SessionReport) => void,
): Promise<void> {
  const waiting = sessions.values();
  const lane = async (): Promise<void> => {
    // the iterator is shared: each session is taken by one of the lanes
    for (const session of waiting) report(await auditSession(ports, session, options));
  };
  await Promise.all(Array.from({ length: SESSIONS_AT_ONCE_MAX }, lane));
}

/** Under the event's own id; within the window in which the server swallows that one, under another: consumers know the event by its own. */
function publisher({ client }: JetStream): AuditPorts['publish'] {
  return async (event) => {
    const all = headers();
    all.set('Content-Type', CLOUDEVENTS_CONTENT_TYPE);
    const subject = eventSubject(event.tenant, event.type, event.sessionid);
    const put = async (msgID: string): Promise<boolean> => {
      return (await client.publish(subject, JSON.stringify(event), { headers: all, msgID, timeout: PUBLISH_MS_MAX })).duplicate;
    };
    if (await put(event.id)) await put(`${event.id}.${randomUUID()}`);
  };
}
