import { z } from 'zod';
import type { Receipt, ReceiptsAnswer, ReceiptsRequest } from '../../shared/contract/internal.ts';
import type { Event } from '../../shared/core/types.ts';
import { backoffMs, wait, within } from '../runtime/backoff.ts';
import type { Settlements } from '../runtime/batch.ts';
import type { EventPlace } from '../runtime/incoming.ts';
import { describe, type Log } from '../runtime/log.ts';
import { NO_METRICS, type Metrics } from '../runtime/metrics.ts';
import type { SignedPost } from '../runtime/signed-post.ts';
import { SYSTEM_TIME, type Time } from '../runtime/time.ts';
import { failureOf, tellOne } from './one-receipt.ts';
import { ReceiptQueue } from './queue.ts';
import { ReceiptSpans } from './receipt-spans.ts';
import type { TellReceipts } from './teller.ts';

const CALL_MS_MAX = 15_000;
const AWAY_BOUNDS = { minMs: 250, maxMs: 10_000 };
/** a session that did not take its receipt while others did */
const REFUSED_RETRY_MS = 2_000;
/** kept for the stream while it does not take them; beyond it the oldest are not told */
const UNTOLD_RECEIPTS_MAX = 10_000;
/** calls at a stop; what is left then is repaired by the Sessions */
const LAST_CALLS_MAX = 50;

export type PostReceipts = (receipts: readonly Receipt[], traces?: string) => Promise<ReceiptsAnswer>;

const answerSchema = z.object({ failed: z.array(z.object({ tenant: z.string(), sessionId: z.string() })) });

/** Posts receipts to the edge, and with them how full the store is, where it has a bound. Rejects when the edge is away, or refuses. */
export function edgePoster(post: SignedPost, embeddedMessages: () => number | undefined = () => undefined): PostReceipts {
  return async (receipts, traces) => {
    const messages = embeddedMessages();
    const request: ReceiptsRequest = {
      v: 1,
      receipts: [...receipts],
      ...(messages === undefined ? {} : { embedded: { messages } }),
    };
    return answerSchema.parse(await post('/internal/receipts', request, CALL_MS_MAX, traces));
  };
}

/** Tells the Sessions what is persisted and what is a dead letter (design decision 3). One call at a time. */
export class ReceiptSender implements Settlements {
  readonly #queue = new ReceiptQueue();
  readonly #post: PostReceipts;
  readonly #log: Log;
  readonly #stop = new AbortController();
  #wake: () => void = () => {};
  #running: Promise<void> | undefined;
  #failures = 0;
  readonly #tell: TellReceipts;
  readonly #time: Time;
  readonly #metrics: Metrics;
  readonly #spans: ReceiptSpans;
  /** taken by the edge, and not yet in MILLRACE_RECEIPTS */
  #untold: Receipt[] = [];
  #tellingFails = false;
  #telling = false;

  constructor(
    post: PostReceipts,
    log: Log,
    tell: TellReceipts = async () => undefined,
    time: Time = SYSTEM_TIME,
    metrics: Metrics = NO_METRICS,
    spans: ReceiptSpans = new ReceiptSpans(),
  ) {
    this.#spans = spans;
    this.#post = post;
    this.#tell = tell;
    this.#time = time;
    this.#metrics = metrics;
    this.#log = log;
  }

  persisted(event: Event, publishedAtMs: number): void {
    const place: EventPlace = { tenant: event.tenant, sessionId: event.sessionid, seq: event.seq };
    this.#queue.addPersisted(place, publishedAtMs, this.#time.now());
    this.#spans.begin(place, event.traceparent);
    this.#wake();
  }

  buried(place: EventPlace, failure: { code: string; consumer: string; atMs: number }): void {
    this.#queue.addFailure(place, failureOf(place, failure), this.#time.now());
    this.#spans.begin(place, place.traceparent);
    this.#wake();
  }

  /** Outside the queue, for one who waits: of a dead letter that was redriven nobody asks again. Rejects when the Session was not told. */
  async tellNow({ tenant, sessionid: sessionId, seq, traceparent }: Event, publishedAtMs: number): Promise<void> {
    const said = { publishedAt: publishedAtMs, persistedAt: this.#time.now() };
    this.#spans.begin({ tenant, sessionId, seq }, traceparent);
    const post: PostReceipts = async (receipts) => await this.#post(receipts, this.#spans.headerOf(receipts));
    const receipt = await tellOne(post, { tenant, sessionId, seq }, said);
    this.#spans.taken([receipt]);
    void this.#tellOf([receipt]);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Sends what is left within msMax; what is not sent by then is repaired by the Sessions. Never rejects. */
  async stop(msMax: number): Promise<void> {
    this.#stop.abort();
    this.#wake();
    try {
      await within(msMax, 'the last receipts', this.#running ?? Promise.resolve(), this.#time);
    } catch {
      this.#log('warn', 'stopped with receipts unsent', { sessions: this.#queue.size });
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const dueInMs = this.#queue.dueInMs(this.#time.now());
      if (dueInMs === 0) await this.#sendDue();
      else await this.#woken(dueInMs);
    }
    for (let calls = 0; calls < LAST_CALLS_MAX && this.#queue.size > 0; calls += 1) {
      this.#queue.hurry();
      if (!(await this.#send())) return;
    }
  }

  /** Until something is due, or something came that may be due earlier. */
  async #woken(dueInMs: number | undefined): Promise<void> {
    let cancel = (): void => {};
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (dueInMs !== undefined) cancel = this.#time.after(dueInMs, resolve);
    });
    cancel();
  }

  async #sendDue(): Promise<void> {
    if (await this.#send()) return;
    await wait(backoffMs(this.#failures, AWAY_BOUNDS, this.#time.random()), this.#stop.signal, this.#time);
  }

  /** The Sessions come first and are what counts; who measures hears of it as soon as the stream takes it. Never rejects. */
  async #tellOf(taken: readonly Receipt[]): Promise<void> {
    this.#untold = [...this.#untold, ...taken].slice(-UNTOLD_RECEIPTS_MAX);
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (this.#untold.length > 0) {
        const now = this.#untold;
        await this.#tell(now);
        this.#untold = this.#untold.filter((receipt) => !now.includes(receipt));
      }
      this.#tellingFails = false;
    } catch (error) {
      if (!this.#tellingFails) this.#log('warn', 'receipts wait to be published', { error: describe(error) });
      this.#tellingFails = true;
    } finally {
      this.#telling = false;
    }
  }

  /** One call. False when the edge did not take it: all of it is back in the queue. */
  async #send(): Promise<boolean> {
    const receipts = this.#queue.takeDue(this.#time.now());
    const dropped = this.#queue.takeDropped();
    if (dropped > 0) this.#log('warn', 'receipts dropped: the edge was away for too long', { sessions: dropped });
    if (receipts.length === 0) return true;
    try {
      const { failed } = await this.#post(receipts, this.#spans.headerOf(receipts));
      const refused = new Set(failed.map(({ tenant, sessionId }) => `${tenant} ${sessionId}`));
      const back = receipts.filter(({ tenant, sessionId }) => refused.has(`${tenant} ${sessionId}`));
      const taken = receipts.filter((receipt) => !back.includes(receipt));
      for (const receipt of taken) this.#metrics.receiptTaken(this.#time.now() - this.#queue.oldestMs(receipt));
      this.#queue.putBack(back, REFUSED_RETRY_MS, this.#time.now());
      this.#spans.taken(taken);
      // not awaited: whoever measures must not hold up the next receipts
      void this.#tellOf(taken);
      if (this.#failures > 0) this.#log('info', 'the edge takes receipts again');
      this.#failures = 0;
      return true;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) this.#log('warn', 'the edge does not take receipts', { error: describe(error) });
      this.#queue.putBack(receipts, 0, this.#time.now());
      return false;
    }
  }
}
