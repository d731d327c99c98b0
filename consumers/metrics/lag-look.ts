import type { ConsumerInfo, JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { DEAD_LETTERS_STREAM, DEAD_LETTERS_SUBJECTS, STREAMS } from '../../shared/contract/subjects.ts';
import { lookOf, type DurablePlace } from '../runtime/durable-look.ts';
import { infoOfStream, letterCounts } from '../runtime/stream-state.ts';
import type { DurableLag, DurableName, LagSeen, StreamSize } from './lag.ts';

/** durables of a stream that are shown, those that must be there first; others may make theirs as they like */
export const DURABLES_SHOWN_MAX = 64;
const LETTERS_BY_SUBJECT = { subjects_filter: DEAD_LETTERS_SUBJECTS };

/**
 * One look at every stream and every durable: two requests a stream, and one for each subject of a durable that is behind. Nothing
 * here reads what is in them. Rejects when the server does not answer; a stream that is not there is left out.
 */
export async function lookAtLag(manager: JetStreamManager, expected: readonly DurablePlace[], nowMs: number): Promise<LagSeen> {
  const streams: StreamSize[] = [];
  const durables: DurableLag[] = [];
  const missing: DurableName[] = [];
  let deadLetters: ReadonlyMap<string, number> = new Map();
  for (const stream of STREAMS) {
    const info = await infoOfStream(manager, stream, stream === DEAD_LETTERS_STREAM ? LETTERS_BY_SUBJECT : undefined);
    if (info !== undefined) streams.push(sizeOf(stream, info));
    if (info !== undefined && stream === DEAD_LETTERS_STREAM) deadLetters = mostLetters(info);
    const wanted = expected.filter((place) => place.stream === stream).map(({ name }) => name);
    const found = info === undefined || info.state.consumer_count === 0 ? [] : await durablesOf(manager, stream, wanted);
    for (const durable of found) {
      durables.push({ name: { stream, consumer: durable.name }, ...(await lookOf(manager, durable)) });
    }
    const absent = wanted.filter((name) => !found.some((durable) => durable.name === name));
    missing.push(...absent.map((consumer) => ({ stream, consumer })));
  }
  return { atMs: nowMs, streams, durables, missing, deadLetters };
}

function mostLetters(info: StreamInfo): ReadonlyMap<string, number> {
  const counts = letterCounts(info).toSorted(([, a], [, b]) => b - a);
  return new Map(counts.slice(0, DURABLES_SHOWN_MAX));
}

function sizeOf(stream: string, { config, state }: StreamInfo): StreamSize {
  return {
    stream,
    bytes: state.bytes,
    messages: state.messages,
    ...(config.max_bytes > 0 ? { maxBytes: config.max_bytes } : {}),
  };
}

async function durablesOf(manager: JetStreamManager, stream: string, wanted: readonly string[]): Promise<ConsumerInfo[]> {
  const ours: ConsumerInfo[] = [];
  const others: ConsumerInfo[] = [];
  for await (const info of manager.consumers.list(stream)) {
    // who reads a stream in passing has no name that is worth a label
    if (info.config.durable_name === undefined || info.config.durable_name === '') continue;
    if (wanted.includes(info.name)) ours.push(info);
    else if (others.length < DURABLES_SHOWN_MAX) others.push(info);
  }
  return [...ours, ...others].slice(0, DURABLES_SHOWN_MAX);
}
