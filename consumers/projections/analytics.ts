import type { JetStreamManager } from '@nats-io/jetstream';
import { EVENT_TYPES } from '../../shared/contract/event-schema.ts';
import { isErased, type Event, type WholeEvent } from '../../shared/core/types.ts';
import { isNew } from '../runtime/is-new.ts';
import type { Delivery, Projection } from '../runtime/projection.ts';
import type { OpenedReadModel, Platform, ReadModel } from '../runtime/read-model.ts';
import type { Settings } from '../settings.ts';
import { openAnalytics } from '../stores/analytics/open.ts';
import { TablesGone, type AnalyticsStore, type EventRow } from '../stores/analytics/port.ts';
import { analyticsAudit } from './analytics-audit.ts';
import { AnalyticsFeeds, FEED_STREAMS, forgetFeeds } from './analytics-feeds.ts';

/** The read model of figures: who did what and when, how long things took, and never what anybody wrote. */
export const ANALYTICS_DURABLE = 'analytics';

export const analyticsReadModel: ReadModel = {
  name: ANALYTICS_DURABLE,
  alsoReads: FEED_STREAMS,
  async open(platform) {
    const mayMake = await isNew(ANALYTICS_DURABLE, platform);
    return analyticsOn(await openAnalytics(platform.settings, { writes: true, mayMake }), platform);
  },
  async openInPlace({ manager, settings }) {
    const store = await openOrMake(settings, manager);
    return { projection: analyticsProjection(store), close: async () => await store.close() };
  },
  async openAudit({ settings }) {
    try {
      return analyticsAudit(await openAnalytics(settings, { writes: true, mayMake: false }));
    } catch (error) {
      // its directory belongs to the process of the role: another one cannot look
      if (settings.analytics?.kind === 'engine') return undefined;
      throw error;
    }
  },
};

/** The read model on a store that is open; closes it. */
export function analyticsOn(store: AnalyticsStore, { client, manager, settings, log, time }: Platform): OpenedReadModel {
  const feeds = new AnalyticsFeeds({ client, manager, store, log, time });
  return {
    projection: { ...analyticsProjection(store), database: settings.analytics === undefined ? 'sqlite' : 'clickhouse' },
    started: () => feeds.start(),
    async close() {
      await feeds.stop();
      await store.close();
    },
  };
}

/** For a rebuild, which alone may make tables where there were some. What no archive holds, the streams still have. */
async function openOrMake(settings: Settings, manager: JetStreamManager): Promise<AnalyticsStore> {
  try {
    return await openAnalytics(settings, { writes: true, mayMake: false });
  } catch (error) {
    if (!(error instanceof TablesGone)) throw error;
  }
  const store = await openAnalytics(settings, { writes: true, mayMake: true });
  await forgetFeeds(manager);
  return store;
}

export function analyticsProjection(store: AnalyticsStore): Projection {
  return {
    name: ANALYTICS_DURABLE,
    types: EVENT_TYPES,
    // while one is inserted the next is read
    batchesAtOnce: 2,
    // small rows, and a part on the disk for each insert, whatever is in it; nobody waits for a figure
    batchEventsMax: 2_000,
    gatherMs: 250,
    async handle(batch) {
      await store.writeEvents(batch.map(({ event }: Delivery) => rowOf(event)));
      return batch.map(() => ({ kind: 'ok' }));
    },
    async healthy() {
      try {
        await store.health();
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** Of an erased event there is all but how it ended: its time, its actor and its type are in the envelope. */
export function rowOf(event: Event): EventRow {
  const ended = isErased(event) ? undefined : endOf(event);
  return {
    tenant: event.tenant,
    sessionId: event.sessionid,
    seq: event.seq,
    eventId: event.id,
    type: event.type,
    actor: event.actor,
    actorKind: event.actorkind,
    acceptedAtMs: Date.parse(event.time),
    ...(ended === undefined ? {} : { ended }),
  };
}

function endOf(event: WholeEvent): EventRow['ended'] {
  if (event.type === 'trace.finished') {
    return { kind: 'trace', status: event.data.status, durationMs: event.data.durationMs };
  }
  if (event.type !== 'message.created') return undefined;
  const { status, streamedMs } = event.data;
  return streamedMs === undefined ? undefined : { kind: 'stream', status, durationMs: streamedMs };
}
