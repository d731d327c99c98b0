import { describe, expect, test } from 'vitest';
import {
  BUFFER_SPANS_MAX,
  EXPORT_MS_MAX,
  EXPORT_SPANS_MAX,
  LINGER_MS,
  SpanBuffer,
} from '../../../../worker/telemetry/span-buffer.ts';

interface Rig {
  buffer: SpanBuffer;
  /** sizes of the calls that were made */
  posts: number[];
  logged: { message: string; fields: Record<string, unknown> }[];
  /** ends the waits of who lingers */
  pass(ms: number): Promise<void>;
  answer: (spans: unknown[]) => Promise<void>;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

function rig(): Rig {
  let nowMs = 1_000_000;
  let waits: { untilMs: number; wake: () => void }[] = [];
  const it: Rig = {
    posts: [],
    logged: [],
    answer: async () => undefined,
    async pass(ms) {
      nowMs += ms;
      const due = waits.filter(({ untilMs }) => untilMs <= nowMs);
      waits = waits.filter(({ untilMs }) => untilMs > nowMs);
      for (const { wake } of due) wake();
      await turns();
    },
    buffer: new SpanBuffer({
      post: async (spans) => {
        it.posts.push(spans.length);
        await it.answer(spans);
      },
      delay: (ms) => new Promise((wake) => waits.push({ untilMs: nowMs + ms, wake })),
      nowMs: () => nowMs,
      log: (_level, message, fields) => it.logged.push({ message, fields }),
    }),
  };
  return it;
}

const fill = (buffer: SpanBuffer, spans: number): void => {
  for (let index = 0; index < spans; index += 1) buffer.add(index);
};

describe('recorded spans of an isolate', () => {
  test('that end together are sent together, a bounded number in a call', async () => {
    const it = rig();
    fill(it.buffer, EXPORT_SPANS_MAX + 3);
    const flushed = it.buffer.flush();
    await it.pass(LINGER_MS - 1);
    expect(it.posts).toEqual([]);
    await it.pass(1);
    await flushed;
    expect(it.posts).toEqual([EXPORT_SPANS_MAX, 3]);
    expect(it.logged).toEqual([]);
  });

  test('beyond the bound are dropped, and the next call says how many', async () => {
    const it = rig();
    fill(it.buffer, BUFFER_SPANS_MAX + 40);
    expect(it.buffer.size).toBe(BUFFER_SPANS_MAX);
    const flushed = it.buffer.flush();
    await it.pass(LINGER_MS);
    await flushed;
    expect(it.logged).toEqual([{ message: 'spans were dropped', fields: { spans: 40 } }]);
  });

  test('P9: a collector that fails is left alone for a while, is said once, and is asked again after', async () => {
    const it = rig();
    it.answer = async () => await Promise.reject(new Error('no'));
    const flushOne = async (): Promise<void> => {
      fill(it.buffer, 1);
      const flushed = it.buffer.flush();
      await it.pass(LINGER_MS);
      await flushed;
    };
    await flushOne();
    for (let tries = 0; tries < 20; tries += 1) await flushOne();
    expect(it.posts).toEqual([1]);
    await it.pass(10_000);
    await flushOne();
    expect(it.posts).toEqual([1, 1]);
    expect(it.logged).toHaveLength(1);
    it.answer = async () => undefined;
    await it.pass(10_000);
    await flushOne();
    expect(it.logged.at(-1)).toEqual({ message: 'spans were dropped', fields: { spans: 22 } });
  });

  test('P9: calls whose context was ended do not block those of others for ever', async () => {
    const it = rig();
    it.answer = () => new Promise(() => undefined);
    for (let calls = 0; calls < 6; calls += 1) {
      fill(it.buffer, 1);
      void it.buffer.flush();
      await it.pass(LINGER_MS);
    }
    // four are out, and nobody will ever hear of them
    expect(it.posts).toHaveLength(4);
    it.answer = async () => undefined;
    await it.pass(EXPORT_MS_MAX * 2);
    const flushed = it.buffer.flush();
    await it.pass(LINGER_MS);
    await flushed;
    expect(it.posts).toEqual([1, 1, 1, 1, 2]);
    expect(it.buffer.size).toBe(0);
  });
});
