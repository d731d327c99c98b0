import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { DEAD_LETTERS_STREAM, EVENTS_STREAM, QUERY_SUBJECT, SEARCH_SUBJECT } from '../../shared/contract/subjects.ts';
import type { Tracer } from '../../shared/telemetry/tracer.ts';
import { openHistory } from '../projections/history-read-model.ts';
import { HISTORY_DURABLE } from '../projections/history.ts';
import { openSearch } from '../projections/search-read-model.ts';
import { SEARCH_DURABLE } from '../projections/search.ts';
import { wait } from '../runtime/backoff.ts';
import { jetStreamLetters } from '../runtime/letters.ts';
import type { Log } from '../runtime/log.ts';
import { SYSTEM_TIME } from '../runtime/time.ts';
import type { Settings } from '../settings.ts';
import { answerHistory } from './answer.ts';
import { durableWatch } from './durable-watch.ts';
import { jetStreamEventStream } from './event-stream.ts';
import { throughOf, watchIndexed } from './indexed-through.ts';
import { knownLetters } from './letters.ts';
import { startResponder } from './responder.ts';
import { answerSearch } from './search-answer.ts';

/** What answers the edge's questions: a role for each store, so that none waits for another's. */

/** how often an index that is not there yet is looked for */
const OPEN_EVERY_MS = 1_000;
/** within what the responder gives an answer */
const DURABLE_MS_MAX = 1_000;

type Stop = () => Promise<void>;

export async function startHistoryQuery(
  connection: NatsConnection,
  settings: Settings,
  log: Log,
  { tracer }: { tracer?: Tracer } = {},
): Promise<Stop> {
  const store = await openHistory(settings, false);
  await store.health();
  // not checked here: the store can be read while JetStream is away
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: DURABLE_MS_MAX });
  const isFed = durableWatch(async () => await manager.consumers.info(EVENTS_STREAM, HISTORY_DURABLE), Date.now);
  const stream = {
    stream: jetStreamEventStream(manager, HISTORY_DURABLE),
    deadLettersOf: knownLetters({
      letters: jetStreamLetters(manager),
      created: async () => (await manager.streams.info(DEAD_LETTERS_STREAM)).created,
      consumer: HISTORY_DURABLE,
      now: Date.now,
    }),
  };
  const answering = { store, isFed, stream, time: SYSTEM_TIME };
  const responder = startResponder(
    connection,
    {
      subject: QUERY_SUBJECT,
      store: 'history store',
      answer: async (question, replyBytesMax) => await answerHistory(answering, question, replyBytesMax),
    },
    log,
    SYSTEM_TIME,
    tracer,
  );
  return async () => {
    await responder.stop();
    await store.close();
  };
}

/**
 * Answers from the first moment: where there is no index yet, for nobody runs `search` or it waits to be rebuilt, or it cannot be
 * reached, a search is unavailable and nothing else waits for it.
 */
export async function startSearchQuery(
  connection: NatsConnection,
  settings: Settings,
  log: Log,
  { tracer }: { tracer?: Tracer } = {},
): Promise<Stop> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: DURABLE_MS_MAX });
  const stopped = new AbortController();
  let opened: Promise<OpenedIndex> | undefined;
  const index = async (): Promise<OpenedIndex> => {
    const mine = (opened ??= openIndex(manager, settings, log));
    try {
      return await mine;
    } catch (error) {
      if (opened === mine) opened = undefined;
      throw error;
    }
  };
  // before the first question: how far the index has come is known a moment after it was opened
  const openSoon = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await index();
        return;
      } catch {
        await wait(OPEN_EVERY_MS, stopped.signal);
      }
    }
  };
  const opening = openSoon();
  const responder = startResponder(
    connection,
    { subject: SEARCH_SUBJECT, store: 'search index', answer: async (question) => await answerSearch(await index(), question) },
    log,
    SYSTEM_TIME,
    tracer,
  );
  return async () => {
    stopped.abort();
    await responder.stop();
    await opening;
    await opened?.then(async ({ close }) => await close()).catch(() => undefined);
  };
}

type OpenedIndex = Parameters<typeof answerSearch>[0] & { close(): Promise<void> };

async function openIndex(manager: JetStreamManager, settings: Settings, log: Log): Promise<OpenedIndex> {
  const store = await openSearch(settings, { writes: false, mayMake: false });
  const indexed = watchIndexed(throughOf(manager, SEARCH_DURABLE, Date.now), store, log);
  return {
    store,
    asOfMs: () => indexed.asOfMs(),
    looked: indexed.looked,
    async close() {
      indexed.stop();
      await store.close();
    },
  };
}
