import {
  JetStreamApiCodes,
  JetStreamApiError,
  type Consumer,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { z } from 'zod';
import { DEAD_LETTERS_STREAM, RECEIPTS_STREAM } from '../../shared/contract/subjects.ts';
import { ID_PATTERN, TENANT_PATTERN } from '../../shared/core/ids.ts';
import { SEQ_MAX } from '../../shared/core/limits.ts';
import { countOf } from '../../shared/core/seq-ranges.ts';
import { backoffMs, wait, within } from '../runtime/backoff.ts';
import type { Incoming } from '../runtime/incoming.ts';
import { incomingOf } from '../runtime/jetstream-source.ts';
import { LETTER_HEADERS } from '../runtime/letter-headers.ts';
import { tenantOf } from '../runtime/letter-owner.ts';
import { headerOf } from '../runtime/letters.ts';
import { describe, type Log } from '../runtime/log.ts';
import { deleteDurable, ensureFeed } from '../runtime/streams.ts';
import type { Time } from '../runtime/time.ts';
import type { AnalyticsStore, LetterRow, ReceiptRow } from '../stores/analytics/port.ts';

/**
 * What analytics reads besides events: receipts and dead letters, each by a durable of the same name on its own stream. They
 * measure and are nobody's only copy, so one that cannot be read is dropped with a line, and a failing store is waited for.
 */

const DURABLE = 'analytics';
export const FEED_STREAMS: readonly string[] = [RECEIPTS_STREAM, DEAD_LETTERS_STREAM];
const BATCH_MESSAGES_MAX = 500;
const PULL_WAIT_MS = 5_000;
const ACK_WAIT_MS = 60_000;
const RETRY_BOUNDS = { minMs: 500, maxMs: 30_000 };
const STOP_MS_MAX = 10_000;
/** a receipt of more is none of ours, which speak of what was persisted in a second: row by row it would hold up all else for hours */
const RECEIPT_SEQS_MAX = 1_000_000;

/** Both are read from their streams' beginning again: of a receipt or a letter that was counted already, nothing changes. */
export async function forgetFeeds(manager: JetStreamManager): Promise<void> {
  for (const stream of FEED_STREAMS) await deleteDurable(manager, DURABLE, stream);
}

export interface FeedPorts {
  client: JetStreamClient;
  manager: JetStreamManager;
  store: AnalyticsStore;
  log: Log;
  time: Time;
}

interface Feed {
  stream: string;
  /** Stores what can be read of a batch. Rejects when the store does. */
  store(batch: readonly Incoming[]): Promise<void>;
}

export class AnalyticsFeeds {
  readonly #ports: FeedPorts;
  readonly #stop = new AbortController();
  /** by stream: asked for once, and again after a failure */
  readonly #consumers = new Map<string, Consumer>();
  #running: Promise<unknown> | undefined;

  constructor(ports: FeedPorts) {
    this.#ports = ports;
  }

  start(): void {
    const { store } = this.#ports;
    const feeds: Feed[] = [
      { stream: RECEIPTS_STREAM, store: async (batch) => await store.writeReceipts(this.#read(batch, receiptOf)) },
      { stream: DEAD_LETTERS_STREAM, store: async (batch) => await store.writeLetters(this.#read(batch, letterOf)) },
    ];
    this.#running ??= Promise.all(feeds.map(async (feed) => await this.#run(feed)));
  }

  /** What is in hand comes again to the next worker. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await within(STOP_MS_MAX, 'stopping feeds', this.#running ?? Promise.resolve(), this.#ports.time).catch((error: unknown) =>
      this.#ports.log('warn', 'stopped with messages in hand: they come again', { error: describe(error) }),
    );
  }

  async #run(feed: Feed): Promise<void> {
    const { log, time } = this.#ports;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#next(feed);
        if (failures > 0) log('info', 'read again', { stream: feed.stream });
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#consumers.delete(feed.stream);
        failures += 1;
        if (failures === 1) log('warn', 'cannot be read or stored', { stream: feed.stream, error: describe(error) });
        await wait(backoffMs(failures, RETRY_BOUNDS, time.random()), signal, time);
      }
    }
  }

  /** One pull, stored and then acknowledged. */
  async #next({ stream, store }: Feed): Promise<void> {
    const consumer = this.#consumers.get(stream) ?? (await this.#consumerOf(stream));
    this.#consumers.set(stream, consumer);
    const messages = await consumer.fetch({ max_messages: BATCH_MESSAGES_MAX, expires: PULL_WAIT_MS });
    const end = (): void => messages.stop();
    this.#stop.signal.addEventListener('abort', end);
    const batch: Incoming[] = [];
    try {
      for await (const message of messages) batch.push(incomingOf(message));
    } finally {
      this.#stop.signal.removeEventListener('abort', end);
    }
    if (batch.length === 0) return;
    await store(batch);
    await Promise.all(batch.map(async (incoming) => await incoming.ack()));
  }

  /** Makes the durable where it is missing. */
  async #consumerOf(stream: string): Promise<Consumer> {
    const { client, manager, log } = this.#ports;
    try {
      return await client.consumers.get(stream, DURABLE);
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.ConsumerNotFound) throw error;
      await ensureFeed(manager, { stream, durable: DURABLE, ackWaitMs: ACK_WAIT_MS }, log);
      return await client.consumers.get(stream, DURABLE);
    }
  }

  #read<T>(batch: readonly Incoming[], parse: (incoming: Incoming) => T | undefined): T[] {
    return batch.flatMap((incoming) => {
      const row = parse(incoming);
      if (row === undefined) this.#ports.log('warn', 'not measured: it cannot be read', { subject: incoming.subject });
      return row ?? [];
    });
  }
}

const seq = z.int().min(1).max(SEQ_MAX);
const receiptBody = z.object({
  seqs: z.array(z.tuple([seq, seq])),
  publishedAt: z.iso.datetime(),
  persistedAt: z.iso.datetime(),
});

/** Tenant and session come from the subject, which the publisher's rights vouch for. */
export function receiptOf({ subject, data }: Incoming): ReceiptRow | undefined {
  const [, , tenant = '', sessionId = ''] = subject.split('.');
  if (!TENANT_PATTERN.test(tenant) || !ID_PATTERN.test(sessionId)) return undefined;
  const parsed = receiptBody.safeParse(jsonOf(data));
  if (!parsed.success) return undefined;
  const { seqs, publishedAt, persistedAt } = parsed.data;
  if (countOf(seqs) > RECEIPT_SEQS_MAX) return undefined;
  return { tenant, sessionId, seqs, publishedAtMs: Date.parse(publishedAt), persistedAtMs: Date.parse(persistedAt) };
}

export function letterOf(letter: Incoming): LetterRow | undefined {
  const consumer = letter.subject.split('.').at(-1) ?? '';
  if (!ID_PATTERN.test(consumer)) return undefined;
  const reason = headerOf(letter, LETTER_HEADERS.reason) ?? '';
  return { id: letter.storedId, tenant: tenantOf(letter), consumer, reason, atMs: letter.publishedAtMs };
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data));
  } catch {
    return undefined;
  }
}
