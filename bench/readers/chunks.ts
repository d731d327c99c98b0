import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../load/connection.ts';
import { millraceDialect } from '../load/dialect-millrace.ts';
import { startServer } from '../processes.ts';
import { median, spread } from '../stats.ts';
import type { Verdict } from '../targets.ts';
import { spreadOf, textTable } from '../text-table.ts';

/** Chunks of streamed answers to readers: how many go through, and how late one is at the pace of a model. */
const READERS = 50;
const STREAMS = 10;
const ROUNDS_QUICK = 5;
const ROUNDS_LONG = 7;
const CHUNKS_QUICK = 100;
const CHUNKS_LONG = 400;
/** chunks under way of each stream while it is measured how many go through */
const WINDOW_CHUNKS = 32;
const PACED_MS = 40;
const ROUND_MS_MAX = 120_000;
const CHUNK = ' a word or two';

interface ChunkRound {
  chunksPerS: number;
  deliveriesPerS: number;
  /** milliseconds from the send to each reader, at 25 chunks a second of one stream */
  paced: { p50: number; p99: number };
}

export async function runChunks(options: {
  quick: boolean;
  rounds?: number;
}): Promise<{ raw: ChunkRound[]; verdicts: Verdict[] }> {
  console.log('\nchunks: starting Millrace …');
  const server = await startServer('servers/millrace.ts', []);
  try {
    const { url, jwtSecret = '' } = server.announcement;
    const rounds: ChunkRound[] = [];
    const chunks = options.quick ? CHUNKS_QUICK : CHUNKS_LONG;
    const count = options.rounds ?? (options.quick ? ROUNDS_QUICK : ROUNDS_LONG);
    for (let round = 0; round < count; round += 1) rounds.push(await oneRound(url, jwtSecret, `chunks-${round}`, chunks));
    const of = (figure: (round: ChunkRound) => number, decimals: number): string => spreadOf(rounds.map(figure), decimals);
    const rows = [
      [`${STREAMS} streams to ${READERS} readers`, ''],
      ['chunks/s taken', of((round) => round.chunksPerS, 0)],
      ['chunks/s delivered, over all readers', of((round) => round.deliveriesPerS, 0)],
      ['one stream of 25 chunks/s, to each reader: p50 ms', of((round) => round.paced.p50, 2)],
      ['                                           p99 ms', of((round) => round.paced.p99, 2)],
    ];
    console.log(
      `\n${textTable(rows)}\n\nA chunk is ${CHUNK.length} characters, over a socket; every reader was proved to have got the whole text of every stream.`,
    );
    console.log(
      `Chunks that wait for a socket go out as one: median ${median(rounds.map((round) => round.deliveriesPerS / round.chunksPerS)).toFixed(0)} readers each.`,
    );
    return { raw: rounds, verdicts: [] };
  } finally {
    await server.stop();
  }
}

/** What a reader has of each stream: the next index it waits for. */
class Reader {
  readonly connection = new Connection();
  readonly next = new Map<string, number>();
  onProgress: (messageId: string, next: number) => void = () => {};

  constructor() {
    this.connection.onText = (payload) => this.#take(payload);
  }

  #take(payload: Buffer): void {
    const text = payload.toString();
    if (!text.startsWith('{"type":"signal"')) return;
    const { name, data } = JSON.parse(text) as {
      name: string;
      data: { messageId: string; index: number; lastIndex?: number };
    };
    if (name !== 'stream') return;
    const expected = this.next.get(data.messageId) ?? 0;
    if (data.index > expected) throw new Error(`a reader of ${data.messageId} got ${data.index} instead of ${expected}`);
    const next = Math.max(expected, (data.lastIndex ?? data.index) + 1);
    this.next.set(data.messageId, next);
    this.onProgress(data.messageId, next);
  }
}

async function oneRound(url: string, jwtSecret: string, room: string, chunks: number): Promise<ChunkRound> {
  const dialect = millraceDialect({ url, room, senders: 1, jwtSecret });
  const readers = Array.from({ length: READERS }, () => new Reader());
  const writer = new Connection();
  try {
    await dialect.prepare();
    // the same user may hold 20 sockets: readers are users of their own in a public session
    for (const [index, { connection }] of readers.entries()) await connection.open(await dialect.endpoint(index + 1));
    await writer.open(await dialect.endpoint(0));
    const fast = await throughput(writer, readers, chunks);
    const paced = await atPace(writer, readers, chunks);
    return { ...fast, paced };
  } finally {
    for (const { connection } of readers) connection.close();
    writer.close();
    dialect.close?.();
  }
}

function send(writer: Connection, command: string, data: object): void {
  writer.send(JSON.stringify({ type: 'command', id: 'chunk', command, data }));
}

async function throughput(writer: Connection, readers: readonly Reader[], chunks: number) {
  const ids = Array.from({ length: STREAMS }, (_, at) => `fast-${at}`);
  const sent = new Map(ids.map((id) => [id, 0]));
  // by the number of readers that have so much of a stream, the slowest of them is known
  const slowest = (id: string): number => Math.min(...readers.map(({ next }) => next.get(id) ?? 0));
  const all = Promise.withResolvers<void>();
  const pump = (id: string): void => {
    const [from, have] = [sent.get(id) ?? 0, slowest(id)];
    const to = Math.min(chunks, have + WINDOW_CHUNKS);
    for (let index = from; index < to; index += 1) send(writer, 'stream.append', { messageId: id, index, text: CHUNK });
    sent.set(id, Math.max(from, to));
    if (ids.every((each) => (sent.get(each) ?? 0) === chunks && slowest(each) === chunks)) all.resolve();
  };
  for (const reader of readers) reader.onProgress = (id) => pump(id);
  for (const id of ids) send(writer, 'stream.start', { messageId: id });
  const startedAt = performance.now();
  for (const id of ids) pump(id);
  await within(all.promise, writer, readers);
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const id of ids) send(writer, 'stream.finish', { messageId: id, status: 'completed' });
  return { chunksPerS: (STREAMS * chunks) / seconds, deliveriesPerS: (STREAMS * chunks * readers.length) / seconds };
}

async function atPace(writer: Connection, readers: readonly Reader[], chunks: number): Promise<{ p50: number; p99: number }> {
  const sentAt: number[] = [];
  const latencies: number[] = [];
  const all = Promise.withResolvers<void>();
  for (const reader of readers) {
    let seen = 0;
    reader.onProgress = (id, next) => {
      if (id !== 'paced') return;
      for (; seen < next; seen += 1) latencies.push(performance.now() - (sentAt[seen] ?? 0));
      if (latencies.length === chunks * readers.length) all.resolve();
    };
  }
  send(writer, 'stream.start', { messageId: 'paced' });
  for (let index = 0; index < chunks; index += 1) {
    sentAt.push(performance.now());
    send(writer, 'stream.append', { messageId: 'paced', index, text: CHUNK });
    await sleep(PACED_MS);
  }
  await within(all.promise, writer, readers);
  return spread(latencies);
}

async function within(pending: Promise<void>, writer: Connection, readers: readonly Reader[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the chunks are not all there after ${ROUND_MS_MAX} ms`)), ROUND_MS_MAX);
    for (const each of [writer, ...readers.map(({ connection }) => connection)]) each.onFailure = reject;
  });
  try {
    await Promise.race([pending, late]);
  } finally {
    clearTimeout(timer);
  }
}
