import type { ChildProcess } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HISTORY_DURABLE } from '../../consumers/projections/history.ts';
import { NOTIFICATIONS_DURABLE } from '../../consumers/projections/notifications.ts';
import { READ_MODELS } from '../../consumers/read-models.ts';
import { parseNote } from '../../consumers/runtime/position-note.ts';
import type { AuditSubject } from '../../consumers/runtime/read-model.ts';
import { platformOf } from '../../consumers/runtime/start-read-model.ts';
import { settingsFrom } from '../../consumers/settings.ts';
import { openSqliteHistory } from '../../consumers/stores/history/sqlite.ts';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent } from '../contracts/events.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, until } from '../support/stack.ts';
import { Rig } from './consumers-rig.ts';

/**
 * What a stream loses is in every read model afterwards. Each session has one event, so that a read model which was told of all
 * sessions missed none. Workers are started anew rather than waited for: a guard looks at its start, and then every 30 s.
 */

const WITHIN_MS = 30_000;
/** a guard whose look fails looks again after half a minute, and once more after what it found */
const NOTED_MS = 100_000;
const eventOf = (sessionId: string): Event => anEvent('message.created', { seq: 1, sessionId });

function subjectOf(sessionId: string): AuditSubject {
  return {
    tenant: 'default',
    sessionId,
    head: 1,
    isDeleted: false,
    isIncomplete: false,
    async *events() {
      yield await Promise.resolve([eventOf(sessionId)]);
    },
    isErased: async () => await Promise.resolve(false),
    async *expectedRows() {},
    deadLetters: new Set(),
  };
}

const ROLES = READ_MODELS.map(({ name }) => name).join(',');

requireOrSkip('nats-server', natsServerMissing())('read models whose stream loses events', () => {
  let rig: Rig;
  let nats: ChildProcess;
  let consumers: ChildProcess;
  let published: string[];

  beforeEach(async () => {
    rig = new Rig();
    published = [];
    await rig.prepare();
    nats = rig.startNats();
    consumers = rig.startConsumers(ROLES);
    await until('ready', () => rig.said('ready') === 1, WITHIN_MS);
  });
  afterEach(async () => await rig.dispose());

  const manager = async (): Promise<JetStreamManager> => await jetstreamManager(await rig.nats());
  const publish = async (...sessions: readonly string[]): Promise<void> => {
    for (const sessionId of sessions) await rig.publish(eventOf(sessionId));
    published.push(...sessions);
  };
  const archived = async (): Promise<string[]> => {
    const store = openSqliteHistory({ path: join(rig.dataDir, 'history.db'), writes: false });
    const sessions: string[] = [];
    try {
      for await (const { events } of store.scanEvents()) sessions.push(...events.map(({ event }) => event.sessionid));
    } finally {
      await store.close();
    }
    return sessions.toSorted();
  };
  /** Every guard has noted the stream as it is now. */
  const isNoted = async (): Promise<boolean> => {
    const store = openSqliteHistory({ path: join(rig.dataDir, 'history.db'), writes: false });
    try {
      const notes = await Promise.all(READ_MODELS.map(async ({ name }) => parseNote(await store.readNote(name))));
      return notes.every((note) => note?.position?.lastSeq === published.length);
    } finally {
      await store.close();
    }
  };
  /** What a read model lacks by its own word, where it has one for an audit. */
  const lacked = async (): Promise<string[]> => {
    const platform = await platformOf(await rig.nats(), settingsFrom(rig.consumerVariables), () => {});
    const found: string[] = [];
    for (const { name, openAudit } of READ_MODELS) {
      // the history is looked at for itself, row by row, and inboxes are of the edge, which is a stand-in here
      const isSeenElsewhere = name === HISTORY_DURABLE || name === NOTIFICATIONS_DURABLE;
      const audit = isSeenElsewhere ? undefined : await openAudit?.(platform);
      if (audit === undefined) continue;
      try {
        for (const subject of published.map(subjectOf)) {
          for await (const finding of audit.look(subject)) found.push(`${name}: ${finding.kind} ${finding.place}`);
        }
      } finally {
        await audit.close();
      }
    }
    return found;
  };
  const everywhere = async (): Promise<void> => {
    const all = published.toSorted();
    await until('all archived', async () => (await archived()).length === all.length, WITHIN_MS);
    expect(await archived()).toEqual(all);
    await until('all notified', () => all.every((session) => rig.edge.notified.has(session)), WITHIN_MS);
    let found: string[] = [];
    await until('nothing lacked', async () => (found = await lacked()).length === 0, WITHIN_MS).catch((error: unknown) => {
      expect(found).toEqual([]);
      throw error;
    });
  };
  const again = async (): Promise<void> => {
    await rig.kill(consumers, 'SIGTERM');
    consumers = rig.startConsumers(ROLES);
  };
  /** Some that all have, and have noted; then some that the history alone has, for the others do not run; then nobody runs. */
  const halfRead = async (): Promise<void> => {
    await publish('both-1', 'both-2');
    await everywhere();
    await again();
    await until('noted', isNoted, NOTED_MS);
    await rig.kill(consumers, 'SIGTERM');
    consumers = rig.startConsumers(HISTORY_DURABLE);
    await publish('archive-1', 'archive-2', 'archive-3');
    await until('archived', async () => (await archived()).length === published.length, WITHIN_MS);
    await rig.kill(consumers, 'SIGKILL');
  };
  /** What is new comes once it was seen what is missing: with it the stream may look as long as it was. */
  const go = async (finding: RegExp): Promise<void> => {
    consumers = rig.startConsumers(ROLES);
    await until(String(finding), () => finding.test(rig.output), WITHIN_MS);
    await publish('after-1', 'after-2');
    await everywhere();
  };

  it('P1 a stream that was deleted: what it had comes from the archive', { timeout: 240_000 }, async () => {
    await halfRead();
    await (await manager()).streams.delete(EVENTS_STREAM);
    await go(/"findings":\["recreated"\]/);
  });

  it('P1 an older copy of what the server keeps: the tail comes from the archive', { timeout: 240_000 }, async () => {
    await publish('both-0');
    await everywhere();
    const restart = async (change: () => Promise<void>): Promise<void> => {
      await rig.kill(nats, 'SIGKILL');
      await change();
      nats = rig.startNats();
    };
    const copy = `${rig.natsDir}-copy`;
    await restart(async () => await cp(rig.natsDir, copy, { recursive: true }));
    await halfRead();
    await restart(async () => {
      await rm(rig.natsDir, { recursive: true });
      await cp(copy, rig.natsDir, { recursive: true });
    });
    await go(/"findings":\["lost_tail"/);
  });

  it(
    'P1 a durable that was deleted, with messages that left the stream before they were read',
    { timeout: 240_000 },
    async () => {
      await halfRead();
      const { consumers: durables, streams } = await manager();
      for (const { name } of READ_MODELS) await durables.delete(EVENTS_STREAM, name);
      const { state } = await streams.info(EVENTS_STREAM);
      await streams.purge(EVENTS_STREAM, { seq: state.last_seq });
      await go(/"findings":\["gone"\]/);
    },
  );

  it('P1 a durable that is ahead of its stream skips nothing that is new', { timeout: 240_000 }, async () => {
    await publish('both-1');
    await everywhere();
    const place = join(rig.natsDir, 'jetstream', '$G', 'streams', EVENTS_STREAM);
    await rig.kill(consumers, 'SIGTERM');
    await rig.kill(nats, 'SIGKILL');
    const older = `${rig.natsDir}-older`;
    await cp(place, older, { recursive: true });
    nats = rig.startNats();
    consumers = rig.startConsumers(ROLES);
    await publish('both-2', 'both-3', 'both-4');
    await everywhere();
    await again();
    await until('noted', isNoted, NOTED_MS);
    await rig.kill(consumers, 'SIGTERM');
    await rig.kill(nats, 'SIGKILL');
    await rm(join(place, 'msgs'), { recursive: true });
    await cp(join(older, 'msgs'), join(place, 'msgs'), { recursive: true });
    nats = rig.startNats();
    await go(/"findings":\["lost_tail"(?:,"ahead")?\]/);
  });
});
